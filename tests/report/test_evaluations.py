"""Which evaluations the report believes, which it sets aside, and which it refuses."""

import json
import shutil
from pathlib import Path

import pytest
from byhand import make, texts
from fabricate import edit, fabricate, fabricate_evaluation, trial_params

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.report.collect import collect
from soundclr.run.runs import Run, evaluation_key, expand


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return trial_params(repo, trial={"seeds": [0, 1], "evaluate": {"seeds": [0]}})


@pytest.fixture
def run(params: Params) -> Run:
    return next(expand(params, "trial"))


@pytest.fixture
def folder(params: Params, run: Run, tmp_path: Path) -> Path:
    fabricate(params, run, tmp_path)
    return fabricate_evaluation(params, run, tmp_path)


def refusal(params: Params, results: Path) -> str:
    """The one line that the report refuses these results with."""
    with pytest.raises(UserError) as error:
        collect(params, "trial", results)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_consistent_evaluation_is_loaded(params: Params, run: Run, folder: Path, tmp_path: Path) -> None:
    collection = collect(params, "trial", tmp_path)
    assert list(collection.evaluations) == [run]
    (evaluation,) = collection.evaluated("esc10", "cross_entropy")
    says = json.loads((folder / "evaluation.json").read_text())
    assert [heard.accuracy for heard in evaluation.record.accuracy] == [heard["accuracy"] for heard in says["accuracy"]]
    assert len(evaluation.projection) == 20
    assert evaluation.record.distances.silhouette == says["distances"]["silhouette"]
    assert collection.evaluations_set_aside == ()


def test_others_are_set_aside(params: Params, run: Run, folder: Path, tmp_path: Path) -> None:
    """Of another key, of a run that is not to be evaluated, and of a run that is not there."""
    other = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"seed": 9})})
    assert evaluation_key(other) != evaluation_key(params)
    by_seed = [r for r in expand(params, "trial") if (r.recipe, r.fold) == ("cross_entropy", 1)]
    fabricate(params, by_seed[1], tmp_path)
    hybrid = next(r for r in expand(params, "trial") if r.recipe == "hybrid")
    fabricate(params, hybrid, tmp_path)
    aside = {
        fabricate_evaluation(other, run, tmp_path),
        fabricate_evaluation(params, by_seed[1], tmp_path),
        fabricate_evaluation(params, hybrid, tmp_path),
    }
    shutil.rmtree(hybrid.directory(tmp_path))
    collection = collect(params, "trial", tmp_path)
    assert set(collection.evaluations_set_aside) == aside
    assert list(collection.evaluations) == [run]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipe_hash": "0" * 12}, "says recipe_hash '000000000000', its path says"),
        ({"fold": 2}, "says fold 2, its path says 1"),
        ({"key": "0" * 12}, "says key '000000000000', its path says"),
        ({"clips": 19}, "and 0."),
        ({"accuracy": []}, "its noises are not those"),
        ({"format": 1}, "format"),
        ({"distances": {"intra": 0.1, "inter": 0.2, "ratio": 0.5}}, "distances.silhouette"),
    ],
)
def test_what_does_not_fit_is_refused(
    params: Params, folder: Path, tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    edit(folder, name="evaluation.json", **changes)
    line = refusal(params, tmp_path)
    assert says in line
    assert str(folder / "evaluation.json") in line


def test_what_is_not_defined_may_be_missing(params: Params, folder: Path, tmp_path: Path) -> None:
    """A fold with one clip a class has no distance within a class."""
    says = json.loads((folder / "evaluation.json").read_text())
    undefined = {"intra": None, "ratio": None, "silhouette": None}
    edit(folder, name="evaluation.json", distances=says["distances"] | undefined)
    line = next(row for row in texts(make(collect(params, "trial", tmp_path), "distances")) if row[2] == "1 of 5")
    assert line[3] == line[5] == line[6] == "–"
    assert line[4] == f"{says['distances']['inter']:.3f}"


def test_edited_contents_are_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    says = json.loads((folder / "evaluation.json").read_text())
    edit(folder, name="evaluation.json", seal=False, distances=says["distances"] | {"ratio": 0.01})
    assert "changed after it was written; restore the folder from git or delete it" in refusal(params, tmp_path)


def test_settings_that_are_not_the_keys_are_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    says = json.loads((folder / "evaluation.json").read_text())
    edit(folder, name="evaluation.json", settings=says["settings"] | {"seed": 5})
    assert "its settings are not params.yaml's evaluation" in refusal(params, tmp_path)


def test_projection_must_be_the_one_that_was_written(params: Params, folder: Path, tmp_path: Path) -> None:
    table = folder / "projection.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n")
    assert f"{table}: has SHA-256" in refusal(params, tmp_path)
    edit(folder, name="evaluation.json")
    assert "20 clips, 19 in projection.csv, 20 held out by the run" in refusal(params, tmp_path)
    table.unlink()
    assert f"{table}: missing" in refusal(params, tmp_path)


def test_answers_must_be_right_as_often_as_the_record_says(params: Params, folder: Path, tmp_path: Path) -> None:
    (evaluation,) = collect(params, "trial", tmp_path).evaluations.values()
    assert evaluation.answers is not None
    right = {name: int((evaluation.answers[name] == evaluation.answers["label"]).sum()) for name in evaluation.answers}
    assert [right[name] for name in list(right)[2:]] == [heard.right for heard in evaluation.record.accuracy]
    table = folder / "answers.csv"
    lines = table.read_text().splitlines()
    clip, label, first, *others = lines[1].split(",")
    other = "9" if first == label else label
    table.write_text("\n".join([lines[0], ",".join([clip, label, other, *others]), *lines[2:]]) + "\n")
    edit(folder, name="evaluation.json")
    assert "clips are right in white_sigma_0, evaluation.json says" in refusal(params, tmp_path)
    table.write_text("\n".join(lines[:-1]) + "\n")
    edit(folder, name="evaluation.json")
    assert f"{table}: its columns and clips are not those of the evaluation.json" in refusal(params, tmp_path)


def test_an_earlier_evaluation_has_no_answers(params: Params, folder: Path, tmp_path: Path) -> None:
    (folder / "answers.csv").unlink()
    edit(folder, name="evaluation.json", files={"projection.csv": ""})
    (evaluation,) = collect(params, "trial", tmp_path).evaluations.values()
    assert evaluation.answers is None and evaluation.record.projection_distances is None


def test_path_that_is_no_evaluations_is_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, folder.parent.with_name("fold01-seed0") / folder.name)
    assert "not the path of an evaluation" in refusal(params, tmp_path)


@pytest.mark.parametrize("what", ["model_sha256", "index_sha256"])
def test_an_evaluation_of_another_model_or_other_clips_is_refused(
    params: Params, run: Run, folder: Path, tmp_path: Path, what: str
) -> None:
    metrics = json.loads((run.directory(tmp_path) / "metrics.json").read_text())
    edit(folder, name="evaluation.json", **{what: "9" * 64})
    line = refusal(params, tmp_path)
    assert f"says {what} {'9' * 64}, its run's metrics.json says {metrics[what]}; " in line
    assert str(folder) in line and line.endswith("delete it and evaluate the run again")
