"""The memory of a training process: data mapped, not copied."""

import sys
from collections.abc import Iterator

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.start import prepare
from benchmarks.timing import cost_of

SIZES = {"ESC-50": (2000, 220500), "UrbanSound8K": (8732, 176400)}
FEW = 160  # ten batches: a first one alone needs less than those after it
TARGET = 1.2


def measure(context: Context) -> Iterator[Row]:
    """One epoch with the small encoder, whole jobs, on features of zeros in a sparse file.

    The peak that counts is that of anonymous memory (RssAnon), what a process has for itself alone. Resident
    memory (VmHWM) also has pages of the mapped file, which all jobs share and the kernel takes back at need; it
    stands in the note. A small network hides nothing: with ResNet-50 the ratio would be nearer to 1.
    """
    for title, (clips, samples) in SIZES.items():
        clips = context.choose(clips, 100)
        params = problem.parameters(
            context.params,
            samples,
            encoder="small",
            start={"weights": "none"},
            training={"batch_size": 16, "epochs": 1},
        )
        name = title.lower().replace("-", "")
        commands = [
            [sys.executable, "-m", "soundclr", *prepare(context, params, f"{name}-{count}", count, samples)]
            for count in (clips, FEW)
        ]
        rounds = [
            [cost_of(command, context.folder, context.environment()) for command in commands]
            for _ in range(context.choose(2, 1))
        ]
        size = clips * samples * 2 / 1e6
        yield Row(
            name=f"memory_{name}",
            what=f"peak memory of a training on {clips} clips, as {title} has ({size:.0f} MB of int16)",
            kind="cost",
            unit="MB",
            ours_is=f"soundclr train, {clips} clips",
            ours=[ours.anonymous for ours, _ in rounds],
            against_is=f"the same on {FEW} clips: network and batch",
            against=[few.anonymous for _, few in rounds],
            target=TARGET,
            note=f"with the mapped file's shared pages {max(ours.resident for ours, _ in rounds):.0f} MB",
        )
