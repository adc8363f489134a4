"""A training step end to end, and how little of it is not the network."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from benchmarks import problem
from benchmarks.context import Context, Row, counted
from benchmarks.timing import in_turns, one_thread, timed
from benchmarks.trainer import Trainer, bare
from soundclr.audio.representations import representation_of
from soundclr.machine.devices import precision
from soundclr.models.network import Network
from soundclr.params import RunSettings

DISTINCT = 128  # clips; they come as often as it takes
SHARES = {"cpu": 0.92, "cuda": 0.90}  # of an epoch, the bare network's at least


def measure(context: Context) -> Iterator[Row]:
    """ResNet-50 on 3 x 128 x 431, cross-entropy; and how little of `make esc10`'s epochs is not the network."""
    from benchmarks import baseline

    device, size = context.device, context.batch_size
    settings = problem.run_settings(context.params, "cross_entropy", size, context.encoder)
    arrays = problem.clips(context.choose(DISTINCT, 8))
    waveforms = problem.waveforms(arrays)
    trainer = Trainer(settings, waveforms, device, context.folder)
    dtype = str(precision(device, "auto")).removeprefix("torch.")

    paths = baseline.write_wavs(arrays, problem.RATE, context.folder / "wav")
    gpu = device.type == "cuda"
    count = context.choose(32 if gpu else 4, 1)
    plain = _plain(context, settings, paths, waveforms.labels.tolist(), count)
    values = in_turns([milliseconds(trainer.train, count, size, device), plain], context.choose(5, 1))
    yield Row(
        name="step",
        what=f"training step, {settings.encoder.name}, batch of {size}",
        kind="speed-up",
        unit="ms a clip",
        ours_is=f"{dtype}, channels-last, batches made on the device",
        ours=values[0],
        against_is=f"float32, contiguous, librosa in {counted(context.cores, 'data-loader worker')}",
        against=values[1],
        target=8 if gpu else 3,
        note="" if gpu or dtype == "bfloat16" else "the target is for CPUs with bfloat16 units, which this one lacks",
    )

    yield efficiency(context, "efficiency", trainer, context.choose(50 if gpu else 4, 1), SHARES[device.type])
    yield small_efficiency(context)
    yield two_views_efficiency(context)


def efficiency(context: Context, name: str, trainer: Trainer, count: int, target: float) -> Row:
    """What the bare network takes of an epoch of ``count`` batches."""
    device, training = context.device, trainer.stage.training
    size, encoder = training.batch_size, trainer.settings.encoder.name
    alone = bare(trainer)
    values = in_turns(
        [milliseconds(trainer.train, count, size, device), milliseconds(alone, count, size, device)],
        context.choose(7, 1),
    )
    dtype = str(precision(device, training.precision)).removeprefix("torch.")
    views = f", {trainer.stage.views} views" if trainer.stage.views > 1 else ""
    return Row(
        name=name,
        what=f"pipeline efficiency, {encoder}, an epoch of {counted(count, 'batch', 'batches')} of {size}{views}",
        kind="speed-up",
        unit="ms a clip",
        ours_is=f"the whole loop, {dtype}, channels-last, {counted(torch.get_num_threads(), 'thread')}",
        ours=values[0],
        against_is="the bare network on a batch that lies on the device, same precision, layout and threads",
        against=values[1],
        target=target,
    )


def small_efficiency(context: Context) -> Row:
    """The same for `make esc10`'s training, where a clip is 64 x 216 and the network no longer hides the rest."""
    settings = context.params.resolve("esc10_quick", "esc10", "cross_entropy")
    with one_thread():
        trainer = Trainer(
            settings, problem.waveforms(problem.clips(context.choose(DISTINCT, 8))), context.device, context.folder
        )
        return efficiency(context, "efficiency_small", trainer, context.choose(10, 1), SHARES[context.device.type])


def two_views_efficiency(context: Context) -> Row:
    """The same for CLAR's scheme on words of a second, of which each step makes two views."""
    settings = context.params.resolve("clar_quick", "words10", "clar")
    audio = settings.audio
    arrays = problem.clips(context.choose(DISTINCT, 8), audio.samples)
    with one_thread():
        trainer = Trainer(settings, problem.waveforms(arrays, audio.sample_rate), context.device, context.folder)
        return efficiency(context, "efficiency_two_views", trainer, context.choose(4, 1), 0.85)


def milliseconds(train: Callable[[int], None], batches: int, size: int, device: torch.device) -> Callable[[], float]:
    """What measures ``train(batches)``, in milliseconds a clip."""
    return lambda: 1000 * timed(lambda: train(batches), device) / (batches * size)


def _plain(
    context: Context, settings: RunSettings, paths: list[Path], labels: list[int], count: int
) -> Callable[[], float]:
    """Milliseconds a clip of ``count`` steps of the plain training, its workers already at full speed."""
    from benchmarks import baseline

    device, size = context.device, settings.stages[0].training.batch_size
    network = Network.from_settings(settings, representation_of(settings).channels, problem.CLASSES).to(device)
    optimizer = torch.optim.AdamW(network.parameters())
    # The workers' first batches come together: as many are left out, whose work is not in the time.
    before = context.cores if device.type == "cuda" else 1
    images = baseline.Images(paths, labels, settings, (before + count) * size)

    def train(batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> None:
        for batch, targets in batches:
            loss = cross_entropy(network(batch.to(device))[1], targets.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def measured() -> float:
        batches = baseline.batches(images, size, context.cores, pin=device.type == "cuda")
        train(islice(batches, before))
        return 1000 * timed(lambda: train(batches), device) / (count * size)

    return measured
