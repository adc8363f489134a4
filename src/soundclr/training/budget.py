"""Whether a stage's budget is steps enough for its batch norms.

Held-out clips are judged by batch norm's running statistics, which begin at values that are no spectrogram's and move
a tenth of the way at each optimiser step. On 40 synthetic clips of four classes that anyone can tell apart, in the
demo's settings with its schedule stretched to other numbers of epochs, held-out accuracy was 54 % after 10 steps, 67 %
after 20, 85 % after 30, 98 % after 44 and 100 % from 60 on, but about 90 % after any number of them once the statistics
were taken anew: the network had learnt, and only its statistics had not.
"""

import math
from collections.abc import Iterator

from soundclr.params import RunSettings
from soundclr.training.batches import batch_count

MOMENTUM = 0.1  # PyTorch's default, which all encoders have
LEFT = 1e-3  # of the initial statistics, the most that may be left
STEPS = math.ceil(math.log(LEFT) / math.log(1 - MOMENTUM))


def warnings(settings: RunSettings, clips: int) -> Iterator[str]:
    """A line for each stage that would train the encoder on ``clips`` clips in too few steps."""
    for stage in settings.stages:
        each, epochs = batch_count(clips, stage.training.batch_size), stage.training.epochs
        if "encoder" in stage.trains and each * epochs < STEPS:
            yield (
                f"stage '{stage.name}' takes only {each * epochs} optimiser steps ({epochs} epochs of {each}, from "
                f"{clips} clips), too few for batch norm's running statistics, by which held-out clips are judged: "
                f"accuracy may be far below what was learnt; {STEPS} steps or more do, with training.epochs "
                f"{math.ceil(STEPS / each)} or a smaller training.batch_size"
            )
