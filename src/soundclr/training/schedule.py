"""Learning-rate schedules by name, as functions of a stage's progress, so that a shorter budget has the same shape.

To add one, write a class here, enter it in :data:`SCHEDULES` and add a line to params.yaml's ``defaults.schedules``.
"""

import math
from typing import Annotated

from pydantic import Field

from soundclr.params import Fraction
from soundclr.params.entries import Entry

Share = Annotated[float, Field(ge=0, le=1)]


class Schedule(Entry):
    """Linear warm-up over the share ``warmup`` of the epochs, then :meth:`after`."""

    warmup: Annotated[float, Field(ge=0, lt=1)]

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor of the learning rate in an ``epoch``, counted from 0, of a stage with ``epochs`` epochs.

        Over w warm-up epochs it is 0.1 + 0.9 * (epoch + 1) / w (SoundCLR's reference code).
        """
        warmup = min(round(self.warmup * epochs), epochs - 1)
        if epoch < warmup:
            return 0.1 + 0.9 * (epoch + 1) / warmup
        return self.after((epoch - warmup) / (epochs - warmup))

    def left(self, epochs: int) -> float:
        """The learning rate in the last of ``epochs`` epochs, as a share of its peak."""
        factors = [self.factor(epoch, epochs) for epoch in range(epochs)]
        return factors[-1] / max(factors)

    def after(self, progress: float) -> float:
        """The factor after the warm-up, at ``progress`` in [0, 1)."""
        raise NotImplementedError


class Exponential(Schedule):
    """Falls by the same factor each epoch, to ``final`` of the learning rate at the end of the budget."""

    final: Annotated[float, Field(gt=0, le=1)]

    def after(self, progress: float) -> float:
        """``final ** progress``."""
        return self.final**progress


class Cosine(Schedule):
    """Falls along half a cosine, to 0 at the end of the budget."""

    def after(self, progress: float) -> float:
        """(1 + cos(pi * progress)) / 2."""
        return 0.5 + 0.5 * math.cos(math.pi * progress)


class Steps(Schedule):
    """Multiplies by ``factor_each`` at each of the shares ``at`` of the epochs after the warm-up."""

    at: tuple[Share, ...]
    factor_each: Annotated[Fraction, Field(gt=0)]

    def after(self, progress: float) -> float:
        """``factor_each`` to the power of the number of steps so far."""
        return self.factor_each ** sum(progress >= at for at in self.at)


SCHEDULES: dict[str, type[Schedule]] = {"exponential": Exponential, "cosine": Cosine, "steps": Steps}
