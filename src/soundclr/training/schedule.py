"""Learning rates by name, as functions of the progress through a stage's budget: a shorter one has the same shape.

A new one is a class here, entered in :data:`SCHEDULES`, and a line of params.yaml's ``defaults.schedules``.
"""

import math
from typing import Annotated

from pydantic import Field

from soundclr.params import Fraction
from soundclr.params.entries import Entry

Share = Annotated[float, Field(ge=0, le=1)]


class Schedule(Entry):
    """Linear warm-up over the first ``warmup`` of the epochs, then :meth:`after`."""

    warmup: Annotated[float, Field(ge=0, lt=1)]

    def factor(self, epoch: int, epochs: int) -> float:
        """The share of the learning rate in an epoch counted from 0, of a stage of so many ``epochs``.

        Warm-up is 0.1 + 0.9 * (epoch + 1) / its epochs (SoundCLR's reference code), over a whole number of epochs.
        """
        warmup = min(round(self.warmup * epochs), epochs - 1)
        if epoch < warmup:
            return 0.1 + 0.9 * (epoch + 1) / warmup
        return self.after((epoch - warmup) / (epochs - warmup))

    def left(self, epochs: int) -> float:
        """The share of its peak that the learning rate has in the last of so many ``epochs``."""
        factors = [self.factor(epoch, epochs) for epoch in range(epochs)]
        return factors[-1] / max(factors)

    def after(self, progress: float) -> float:
        """The share at ``progress``, in [0, 1), through the epochs after the warm-up."""
        raise NotImplementedError


class Exponential(Schedule):
    """Falls by the same factor each epoch, to ``final`` of the learning rate where the budget ends."""

    final: Annotated[float, Field(gt=0, le=1)]

    def after(self, progress: float) -> float:
        """``final ** progress``."""
        return self.final**progress


class Cosine(Schedule):
    """Falls along half a cosine, to 0 where the budget ends."""

    def after(self, progress: float) -> float:
        """(1 + cos(pi * progress)) / 2."""
        return 0.5 + 0.5 * math.cos(math.pi * progress)


class Steps(Schedule):
    """Multiplied by ``factor_each`` at each of the shares ``at`` of the budget after the warm-up."""

    at: tuple[Share, ...]
    factor_each: Annotated[Fraction, Field(gt=0)]

    def after(self, progress: float) -> float:
        """``factor_each`` to the power of how many steps lie behind."""
        return self.factor_each ** sum(progress >= at for at in self.at)


SCHEDULES: dict[str, type[Schedule]] = {"exponential": Exponential, "cosine": Cosine, "steps": Steps}
