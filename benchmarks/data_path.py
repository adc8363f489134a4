"""The data path of one batch: trim, scale, pad or crop, log-mel, masks."""

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.timing import in_turns, one_thread, timed
from soundclr.audio.pipeline import Augment, Inputs

BATCH = 128
CPU = torch.device("cpu")


def measure(context: Context) -> Iterator[Row]:
    """A batch of 128 clips of 5 s, on one CPU core or on the GPU, against one core that uses librosa."""
    from benchmarks import baseline

    count = context.choose(BATCH, 8)
    settings = problem.run_settings(context.params, "cross_entropy", count)
    arrays = problem.clips(count)
    inputs = Inputs(problem.waveforms(arrays).to(context.device), settings)
    augment = Augment.from_choices(settings.stages[0].augment)
    paths = baseline.write_wavs(arrays, problem.RATE, context.folder / "wav")
    indices, generator, random = torch.arange(count), torch.Generator().manual_seed(0), np.random.default_rng(0)

    def ours() -> float:
        return 1000 * timed(lambda: inputs.train_batch(indices, augment, generator), context.device) / count

    def against() -> float:
        return 1000 * timed(lambda: [baseline.image(path, settings, random) for path in paths], CPU) / count

    with one_thread():
        values = in_turns([ours, against], context.choose(15, 2))
    gpu = context.device.type == "cuda"
    yield Row(
        name="data_path",
        what=f"data path of a batch of {count} clips",
        kind="speed-up",
        unit="ms a clip",
        ours_is="batched, on the GPU" if gpu else "batched, one core",
        ours=values[0],
        against_is="librosa and NumPy, clip by clip, one core",
        against=values[1],
        target=50 if gpu else 2,
    )
