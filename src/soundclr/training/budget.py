"""Warns if a stage has too few optimiser steps for its batch norms.

Held-out clips are evaluated with batch norm's running statistics. These begin far from a spectrogram's and move at each
optimiser step by their momentum, usually a tenth of the way. For example, on 40 synthetic clips of four distinct
classes with the demo's settings, held-out accuracy was 54 % after 10 steps, 67 % after 20, 85 % after 30, 98 % after 44
and 100 % from 60 on. With recomputed statistics it was about 90 % after any number of steps: the network had learnt,
but its statistics lagged behind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from soundclr.models.encoders import encoder_of
from soundclr.params import RunSettings
from soundclr.training.batches import batch_count

if TYPE_CHECKING:  # the plan warns without torch, which takes seconds to import
    from torch import nn

LEFT = 1e-3  # the largest share of the initial statistics that may remain


def steps_for(momentum: float | None) -> int:
    """How many steps batch norms with this ``momentum`` need; 0 without batch norms."""
    return math.ceil(math.log(LEFT) / math.log(1 - momentum)) if momentum is not None and momentum < 1 else 0


def slowest_momentum(encoder: nn.Module) -> float | None:
    """The smallest momentum of an encoder's batch norms; None if none has running statistics with a momentum."""
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [m for m in encoder.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    return min((norm.momentum for norm in norms if norm.momentum), default=None)


def warnings(settings: RunSettings, clips: int, encoder: nn.Module | None = None) -> Iterator[str]:
    """Yield a warning for each stage that would train the encoder on ``clips`` clips in too few steps.

    Without the built ``encoder``, as in planning, an entry whose momentum is None gives no warning.
    """
    steps = steps_for(encoder_of(settings).momentum if encoder is None else slowest_momentum(encoder))
    for stage in settings.stages:
        each, epochs = batch_count(clips, stage.training.batch_size), stage.training.epochs
        if "encoder" in stage.trains and each * epochs < steps:
            yield (
                f"stage '{stage.name}' takes only {each * epochs} optimiser steps ({epochs} epochs of {each}, from "
                f"{clips} clips), too few for batch norm's running statistics, so held-out accuracy may be far too "
                f"low; take {steps} steps or more, with training.epochs {math.ceil(steps / each)} or a smaller "
                "training.batch_size"
            )
