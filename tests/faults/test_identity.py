"""Any file that one step leaves for the next, with a byte flipped or cut short: one line, or the same result."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from soundclr.commands import cli
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.params import load, read_params
from soundclr.report.collect import collect
from soundclr.report.evaluations import Evaluation
from support.spoiling import examples, write_project

pytestmark = pytest.mark.slow

RUN = "--study toy --dataset birds --recipe hybrid --fold 1"
Results = dict[Callable[[], Any], Any]


def command(line: str) -> None:
    """A command, with the error that its one line is made of."""
    options = cli.parser().parse_args(line.split())
    options.run_command(options)


def features() -> Any:
    """The features as they are built now."""
    command("features birds --threads 1")
    return sha256_of_file(next(Path("data/features").glob("birds-*")))


def train() -> Any:
    """All of a training that is no time."""
    shutil.rmtree("again", ignore_errors=True)
    command(f"train {RUN} --results again")
    return [sha256_of_file(next(Path("again").rglob(name))) for name in ("*.pt", "predictions.csv")]


def evaluate() -> Any:
    """What an evaluation says of the model."""
    command(f"evaluate {RUN}")
    says = json.loads(next(Path("results").rglob("evaluation.json")).read_text())
    return says["accuracy"], says["distances"], says["files"]


def report() -> Any:
    """All that tables and figures are made of."""

    def told(evaluation: Evaluation) -> Any:
        return evaluation.record.accuracy, evaluation.projection.to_csv(), evaluation.record.distances

    collection = collect(load(Path("params.yaml")), "toy", Path("results"))
    runs = [(r.run, r.metrics.accuracy, r.history.to_csv(), r.predictions.to_csv()) for r in collection.results]
    return runs, [told(evaluation) for evaluation in collection.evaluations.values()], collection.coverage


READS: dict[Callable[[], Any], list[str]] = {
    features: ["data/birds/index.csv", "data/birds/.made-of", "sounds/wren0.wav", "sounds/robin3.wav"],
    train: ["data/features/birds-*"],
    evaluate: ["data/features/birds-*", "results/**/*.pt", "results/**/metrics.json"],
    report: [
        *(f"results/**/{name}" for name in ("metrics.json", "history.csv", "predictions.csv")),
        *(f"results/**/{name}" for name in ("evaluation.json", "projection.csv")),
    ],
}


@pytest.fixture(scope="module")
def done(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What each step comes to in a project where all have been taken, which is the current folder."""
    folder = tmp_path_factory.mktemp("identity")
    write_project(repo, folder)
    content = read_params(folder / "params.yaml")
    content["studies"]["toy"]["evaluate"] = {}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in ("fetch birds", "features birds", f"train {RUN}"):
            command(line)
        yield {step: step() for step in READS}


@examples(200)
@given(data=st.data())
def test_a_flipped_or_cut_file_is_one_line_or_changes_nothing(done: Results, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from(list(READS)))
    path = next(Path().glob(data.draw(st.sampled_from(READS[step]))))
    before = path.read_bytes()
    spoilt = bytearray(before)
    place = data.draw(st.integers(0, len(before) - 1))
    if data.draw(st.booleans()):
        spoilt[place] ^= data.draw(st.integers(1, 255))
    else:
        line_end = before.rfind(b"\n", 0, place) + 1
        del spoilt[data.draw(st.sampled_from([place, line_end])) :]
    path.write_bytes(spoilt)
    try:
        assert step() == done[step]
    except UserError as error:
        assert str(error).isprintable() and path.name in str(error)
    finally:
        path.write_bytes(before)
