"""CLAR's views: augmented waveforms and their three channels, all together and each alone."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.timing import in_turns, one_thread, timed
from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.params.entries import entry_of

BATCH = 128
RATE = SAMPLES = 16_000  # a word of Speech Commands
CHEAP = ("fade", "waveform_mask", "time_shift", "white_noise", "mixed_noise")
VOCODED = ("fade", "waveform_mask", "time_stretch", "pitch_shift", "time_shift", "white_noise", "mixed_noise")
ALONE = dict.fromkeys((*CHEAP, *VOCODED, "pitch_and_stretch"))
CPU = torch.device("cpu")


def measure(context: Context) -> Iterator[Row]:
    """A batch of 128 words, on one CPU core or on the GPU, against one core that uses librosa."""
    gpu, count = context.device.type == "cuda", context.choose(BATCH, 8)
    for name, chosen, target in (
        ("clar_channels", (), None),
        ("clar_views", CHEAP, 5),
        ("clar_views_vocoder", VOCODED, 3),
    ):
        what = f"{len(chosen)} of CLAR's augmentations and its" if chosen else "CLAR's"
        yield row(
            context,
            name,
            f"{what} three channels of a batch of {count} words{', pitch and stretch too' * (chosen is VOCODED)}",
            views(context, chosen, count),
            None if gpu else target,
        )
    for name in ALONE:
        yield row(context, f"clar_{name}", f"{name} of a batch of {count} words", alone(context, name, count))


def row(
    context: Context, name: str, what: str, sides: Sequence[Callable[[], object]], target: float | None = None
) -> Row:
    """Both sides on one core, or ours on the GPU."""
    count = context.choose(BATCH, 8)
    clocks = [
        lambda work=work, device=device: 1000 * timed(work, device) / count
        for work, device in zip(sides, (context.device, CPU), strict=True)
    ]
    with one_thread():
        ours, against = in_turns(clocks, context.choose(15, 2))
    return Row(
        name=name,
        what=what,
        kind="speed-up",
        unit="ms a clip",
        ours_is="batched, on the GPU" if context.device.type == "cuda" else "batched, one core",
        ours=ours,
        against_is="librosa and NumPy, clip by clip, one core",
        against=against,
        target=target,
    )


def views(context: Context, chosen: Sequence[str], count: int) -> list[Callable[[], object]]:
    """A batch as the network gets it, from clips in memory and from WAV files."""
    from benchmarks import baseline, baseline_clar

    study = problem.parameters(
        context.params, SAMPLES, RATE, representation="clar", augment=list(chosen), crop={"train": "centre"}
    )
    settings = study.resolve(problem.NAME, problem.NAME, "cross_entropy")
    arrays = problem.clips(count, SAMPLES)
    inputs = Inputs(problem.waveforms(arrays, RATE).to(context.device), settings)
    augment = Augment.from_choices(settings.stages[0].augment)
    paths = baseline.write_wavs(arrays, RATE, context.folder / "words")
    indices, generator, random = torch.arange(count), torch.Generator().manual_seed(0), np.random.default_rng(0)
    return [
        lambda: inputs.train_batch(indices, augment, generator),
        lambda: [baseline_clar.image(path, settings, random) for path in paths],
    ]


def alone(context: Context, name: str, count: int) -> list[Callable[[], object]]:
    """One augmentation of waveforms that lie there."""
    from benchmarks import baseline_clar

    always = {"augment": [name], "augmentations": {name: {"probability": 1.0}}}
    study = problem.parameters(context.params, SAMPLES, RATE, representation="clar", **always)
    [choice] = study.resolve(problem.NAME, problem.NAME, "cross_entropy").stages[0].augment
    entry = entry_of(AUGMENTATIONS, choice, "augmentation", problem.NAME)
    clips = np.stack(problem.clips(count, SAMPLES)).astype(np.float32) / 32768
    batch = torch.from_numpy(clips).to(context.device)
    generator, random = torch.Generator().manual_seed(0), np.random.default_rng(0)
    return [
        lambda: entry(batch, generator),
        lambda: [baseline_clar.CHANGES[name](clip, entry, random) for clip in clips],
    ]
