"""The start of a job: from the process's start to the end of its first training step."""

from collections.abc import Iterator
from pathlib import Path

import torch
import yaml

from benchmarks import bare_start, first_step, problem
from benchmarks.context import Context, Row
from benchmarks.timing import in_turns, until_line
from soundclr.machine.files import sha256_of_file
from soundclr.params import Params
from soundclr.run import runs

WEIGHTS, CLIPS, SAMPLES = "imagenet1k_v1", 20, 22050
TINY = {"batch_size": 2, "epochs": 1}


def measure(context: Context) -> Iterator[Row]:
    """Fresh processes in turns: `soundclr train` with ResNet-50's weights, and what it cannot do without."""
    encoder = context.encoder
    weights = runs.weights_path(WEIGHTS, encoder, context.folder / "start" / "data")
    params = problem.parameters(
        with_random_weights(context.params, encoder, weights),
        SAMPLES,
        encoder=encoder,
        start={"weights": WEIGHTS},
        training=TINY,
    )
    arguments = prepare(context, params, "start", CLIPS, SAMPLES)
    environment, log = context.environment(), context.folder / "start" / "log.txt"

    def ours() -> float:
        return until_line("benchmarks.first_step", arguments, first_step.SAID, environment, log)

    def against(*network: str) -> float:
        needed = [str(weights), str(context.device), *network]
        return until_line("benchmarks.bare_start", needed, bare_start.SAID, environment, log)

    values = in_turns([ours, against, lambda: against(encoder)], context.choose(5, 1))
    others = (
        ("start", "import torch, weights to the device", 1.5),
        ("start_libraries", "import torch and torchvision, the network with its weights, AdamW, one step", None),
    )
    for (name, against_is, target), seconds in zip(others, values[1:], strict=True):
        yield Row(
            name=name,
            what=f"start of a job with {encoder}'s weights",
            kind="cost",
            unit="s",
            ours_is="soundclr train, to the end of the first step (2 clips of half a second)",
            ours=values[0],
            against_is=against_is,
            against=seconds,
            target=target,
        )


def prepare(context: Context, params: Params, name: str, clips: int, samples: int) -> list[str]:
    """A folder in which a run on made-up features can start; returns the arguments of `soundclr` for it."""
    folder = context.folder / name
    problem.write_sparse(runs.features_path(params, problem.NAME, folder / "data"), clips, samples)
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    choices = ["--study", problem.NAME, "--dataset", problem.NAME, "--recipe", "cross_entropy", "--fold", "1"]
    places = ["--data", str(folder / "data"), "--results", str(folder / "results")]
    return ["--params", str(folder / "params.yaml"), "train", *choices, *places]


def with_random_weights(params: Params, encoder: str, path: Path) -> Params:
    """Write a state dict as torchvision's files have it, its numbers random, to ``path``; ``params`` that expect it."""
    import torchvision

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(getattr(torchvision.models, encoder)(weights=None).state_dict(), path)
    content = params.model_dump(mode="json")
    content["weights"][WEIGHTS]["files"][encoder]["sha256"] = sha256_of_file(path)
    return Params.model_validate(content)
