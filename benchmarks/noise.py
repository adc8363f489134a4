"""The evaluation of a model under noise."""

from collections.abc import Iterator

import torch

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.timing import in_turns, timed
from benchmarks.trainer import make_network
from soundclr.evaluation.job import Trained, evaluate

SIGMAS = (1e-4, 5e-4, 1e-3, 5e-3)


def measure(context: Context) -> Iterator[Row]:
    """Four levels of white noise in one pass, as `soundclr evaluate` asks for them, against a pass for each."""
    size, device = context.batch_size, context.device
    settings = problem.run_settings(context.params, "cross_entropy", size, context.encoder)
    waveforms = problem.waveforms(problem.clips(2 * size))
    trained = Trained.on(device, make_network(settings, problem.CLASSES, device).eval(), waveforms, settings)

    def hear(*sigmas: float) -> None:
        asked = context.params.evaluation.model_copy(update={"sigmas": sigmas, "noises": (), "snr": ()})
        evaluate(trained, torch.arange(len(waveforms)), asked, torch.Generator().manual_seed(0))

    def one_by_one() -> None:
        for sigma in SIGMAS:
            hear(sigma)

    values = in_turns(
        [lambda: timed(lambda: hear(*SIGMAS), device), lambda: timed(one_by_one, device)], context.choose(5, 1)
    )
    yield Row(
        name="noise",
        what=f"evaluation of {len(waveforms)} clips with {len(SIGMAS)} levels of noise",
        kind="speed-up",
        unit="s",
        ours_is="one pass: decoded and drawn once",
        ours=values[0],
        against_is=f"{len(SIGMAS)} runs",
        against=values[1],
    )
