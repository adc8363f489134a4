"""Which run folders the report believes, which it sets aside, and which it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.machine.files import write_text
from soundclr.params import Params
from soundclr.report.captions import code_versions, study_facts
from soundclr.report.collect import collect
from soundclr.run.runs import Run, expand
from support.fabricate import edit, fabricate, trial_params


@pytest.fixture
def folder(params: Params, run: Run, tmp_path: Path) -> Path:
    return fabricate(params, run, tmp_path)


def refusal(params: Params, results: Path) -> str:
    """The one line that the report refuses these results with."""
    with pytest.raises(UserError) as error:
        collect(params, "trial", results)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_consistent_run_is_loaded(params: Params, run: Run, folder: Path, tmp_path: Path) -> None:
    collection = collect(params, "trial", tmp_path)
    assert [result.run for result in collection.results] == [run]
    result = collection.results[0]
    assert list(result.history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert len(result.at("best")) == len(result.at("last")) == result.metrics.clips.test == 20
    assert result.settings == params.resolve("trial", "esc10", "cross_entropy")


def test_clips_that_are_left_out_are_said(repo: Path, tmp_path: Path) -> None:
    params = trial_params(repo, one={"seeds": [0]})
    esc10 = params.datasets["esc10"].model_copy(update={"without": ("1-100032-A",)})
    params = params.model_copy(update={"datasets": {**params.datasets, "esc10": esc10}})
    fabricate(params, next(expand(params, "trial")), tmp_path)
    facts = study_facts(collect(params, "trial", tmp_path))
    assert any("clips a fold, without 1-100032-A." in fact for fact in facts)


def test_coverage_counts_missing_and_unfinished_runs(params: Params, tmp_path: Path) -> None:
    runs = [run for run in expand(params, "trial") if run.recipe == "hybrid"]
    for run in runs[:15]:
        fabricate(params, run, tmp_path)
    assert collect(params, "trial", tmp_path).coverage == "15 of 75 runs"
    (runs[0].directory(tmp_path) / "metrics.json").unlink()
    shutil.rmtree(runs[1].directory(tmp_path))
    collection = collect(params, "trial", tmp_path)
    assert collection.coverage == "13 of 75 runs"
    assert [result.run for result in collection.results] == runs[2:15]


def test_coverage_counts_the_runs_that_others_start_from(repo: Path, tmp_path: Path) -> None:
    """A probe alone is two trainings: itself, and that of its encoder."""
    params = trial_params(repo, one={"recipes": ["linear_probe"], "folds": [1], "seeds": [0]})
    encoders, probe = expand(params, "one")
    assert collect(params, "one", tmp_path).coverage == "0 of 2 runs"
    fabricate(params, encoders, tmp_path)
    assert collect(params, "one", tmp_path).coverage == "1 of 2 runs"
    fabricate(params, probe, tmp_path)
    assert collect(params, "one", tmp_path).coverage == "2 of 2 runs"
    assert collect(params, "one", tmp_path).classifying.coverage == "1 of 1 runs"


def test_no_results_folder_is_no_runs(params: Params, tmp_path: Path) -> None:
    collection = collect(params, "trial", tmp_path / "nowhere")
    assert collection.coverage == "0 of 75 runs"
    assert collection.set_aside == ()


def test_unknown_study_names_the_nearest(params: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown study: 'trail'; did you mean 'trial'"):
        collect(params, "trail", tmp_path)


def test_runs_of_other_settings_are_set_aside(params: Params, repo: Path, run: Run, tmp_path: Path) -> None:
    settings = {"start": {"weights": "imagenet_pqf"}, "training": {"epochs": 7, "patience": 6}}
    changed = trial_params(repo, trial={"settings": settings})
    old = next(expand(changed, "trial"))
    assert old.hash != run.hash
    fabricate(changed, old, tmp_path)
    fabricate(params, run, tmp_path)
    collection = collect(params, "trial", tmp_path)
    assert [result.run for result in collection.results] == [run]
    assert collection.set_aside == (old.directory(tmp_path),)


def test_seeds_that_the_study_does_not_ask_for_are_set_aside(params: Params, tmp_path: Path) -> None:
    run = next(expand(params, "trial"))
    extra = Run(run.study, run.dataset, run.recipe, run.hash, run.fold, 99)
    fabricate(params, extra, tmp_path)
    collection = collect(params, "trial", tmp_path)
    assert collection.results == []
    assert collection.set_aside == (extra.directory(tmp_path),)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("study", "paper"),
        ("dataset", "esc50"),
        ("recipe", "hybrid"),
        ("recipe_hash", "0" * 12),
        ("fold", 2),
        ("seed", 1),
    ],
)
def test_contents_that_disagree_with_the_path_are_refused(
    params: Params, run: Run, folder: Path, tmp_path: Path, key: str, value: str | int
) -> None:
    edit(folder, **{key: value})
    says = refusal(params, tmp_path)
    by_path = run.hash if key == "recipe_hash" else getattr(run, key)
    assert str(folder / "metrics.json") in says
    assert f"has {key} {value!r}, but its path has {by_path!r}" in says


def test_moved_folder_is_refused_though_set_aside_by_its_path(params: Params, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, folder.with_name("fold1-seed77"))
    assert "has seed 0, but its path has 77" in refusal(params, tmp_path)


def test_path_that_is_no_runs_is_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, folder.with_name("fold01-seed0"))
    assert "fold01-seed0" in refusal(params, tmp_path)


def test_edited_accuracy_breaks_the_checksum(params: Params, folder: Path, tmp_path: Path) -> None:
    edit(folder, seal=False, accuracy={"best_epoch": 0.99, "last_epoch": 0.99})
    says = refusal(params, tmp_path)
    assert "has the checksum" in says
    assert "changed after it was written" in says


def test_accuracy_that_the_predictions_do_not_bear_out_is_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    edit(folder, accuracy=metrics["accuracy"] | {"last_epoch": 1.0})
    says = refusal(params, tmp_path)
    assert "of 20 clips are right at the last epoch, metrics.json says 20" in says


def test_settings_that_are_not_the_hashs_are_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    settings = json.loads((folder / "metrics.json").read_text())["settings"]
    settings["stages"][0]["training"]["epochs"] = 800
    edit(folder, settings=settings)
    assert "its settings are not those" in refusal(params, tmp_path)


@pytest.mark.parametrize(
    "weights", [{"name": "imagenet1k_v1", "sha256": "3c49aca5"}, {"name": "imagenet_pqf", "sha256": "f" * 64}]
)
def test_other_weights_are_refused(params: Params, folder: Path, tmp_path: Path, weights: dict[str, str]) -> None:
    edit(folder, start=weights)
    says = refusal(params, tmp_path)
    assert f"starts from {weights['name']} {weights['sha256']}, params.yaml says imagenet_pqf 3c49" in says


@pytest.mark.parametrize("name", ["history.csv", "predictions.csv"])
def test_edited_tables_are_refused(params: Params, folder: Path, tmp_path: Path, name: str) -> None:
    text = (folder / name).read_text()
    write_text(folder / name, text.replace("0.", "0.1", 1))
    says = refusal(params, tmp_path)
    assert str(folder / name) in says
    assert "has SHA-256" in says


@pytest.mark.parametrize("name", ["history.csv", "predictions.csv"])
def test_missing_tables_are_refused(params: Params, folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{folder / name}: missing" in refusal(params, tmp_path)


def test_truncated_tables_are_refused_even_when_resealed(params: Params, folder: Path, tmp_path: Path) -> None:
    lines = (folder / "predictions.csv").read_text().splitlines()
    write_text(folder / "predictions.csv", "\n".join(lines[:-3]) + "\n")
    edit(folder)
    assert "17 clips at the last epoch, metrics.json says 20" in refusal(params, tmp_path)


def test_other_classes_are_refused(params: Params, folder: Path, tmp_path: Path) -> None:
    edit(folder, classes=["dog_bark"] * 10)
    assert "its columns are not clip, source, label, epoch" in refusal(params, tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "study": "tr', "[]", "3"])
def test_truncated_metrics_are_refused(params: Params, folder: Path, tmp_path: Path, text: str) -> None:
    (folder / "metrics.json").write_text(text)
    says = refusal(params, tmp_path)
    assert str(folder / "metrics.json") in says
    assert "restore the run folder from git or delete it and train the run again" in says


@pytest.mark.parametrize(
    ("key", "value"), [("format", 1), ("accuracy", {"best_epoch": 93.75}), ("device", None), ("code", [])]
)
def test_fields_that_do_not_fit_are_named(
    params: Params, folder: Path, tmp_path: Path, key: str, value: object
) -> None:
    edit(folder, **{key: value})
    assert key in refusal(params, tmp_path)


def test_equal_probabilities_may_count_either_way(params: Params, folder: Path, tmp_path: Path) -> None:
    """Rounded to six decimals, a clip's first two classes can be equal: the run knew which one was ahead."""
    lines = (folder / "predictions.csv").read_text().splitlines()
    right = int(json.loads((folder / "metrics.json").read_text())["accuracy"]["best_epoch"] * 20)
    cells = lines[1].split(",")
    was_right = max(range(10), key=lambda i: float(cells[4 + i])) == 0
    lines[1] = ",".join([*cells[:4], "0.400000", "0.400000", *["0.025000"] * 8])
    write_text(folder / "predictions.csv", "\n".join(lines) + "\n")
    for others in (0, 1):
        edit(
            folder,
            accuracy={"best_epoch": (right - was_right + others) / 20, "last_epoch": last_accuracy(folder)},
        )
        assert len(collect(params, "trial", tmp_path).results) == 1
    edit(folder, accuracy={"best_epoch": (right - was_right + 2) / 20, "last_epoch": last_accuracy(folder)})
    assert "clips are right at the best epoch" in refusal(params, tmp_path)


def last_accuracy(folder: Path) -> float:
    accuracy: float = json.loads((folder / "metrics.json").read_text())["accuracy"]["last_epoch"]
    return accuracy


def test_runs_of_one_dataset_on_other_clips_are_refused(params: Params, run: Run, folder: Path, tmp_path: Path) -> None:
    other = list(expand(params, "trial"))[7]
    edit(fabricate(params, other, tmp_path), index_sha256="2" * 64)
    says = refusal(params, tmp_path)
    assert f"{folder} was made of the index {'1' * 64}, {other.directory(tmp_path)} of {'2' * 64}" in says


def test_datasets_each_have_their_index(repo: Path, tmp_path: Path) -> None:
    params = trial_params(repo, trial={"datasets": ["esc10", "esc50"], "folds": [1], "seeds": [0]})
    for run in expand(params, "trial"):
        edit(fabricate(params, run, tmp_path), index_sha256=run.dataset.rjust(64, "0"))
    assert collect(params, "trial", tmp_path).coverage == "6 of 6 runs"


def test_a_cell_has_one_precision(params: Params, repo: Path, run: Run, folder: Path, tmp_path: Path) -> None:
    """In another precision it is another run, with another path; one that says otherwise is refused."""
    training = {"epochs": 6, "patience": 6, "precision": "bfloat16"}
    other = trial_params(repo, trial={"settings": {"start": {"weights": "imagenet_pqf"}, "training": training}})
    twin = next(expand(other, "trial"))
    assert (twin.recipe, twin.fold, twin.seed) == (run.recipe, run.fold, run.seed) and twin.group != run.group
    fabricate(other, twin, tmp_path)
    collection = collect(params, "trial", tmp_path)
    assert [result.metrics.precision for result in collection.results] == ["float32"]
    assert collection.set_aside == (twin.directory(tmp_path),)
    edit(folder, precision="bfloat16")
    assert "says precision 'bfloat16', its settings say 'float32'" in refusal(params, tmp_path)
    says = json.loads((folder / "metrics.json").read_text())["settings"]
    says["stages"][0]["training"]["precision"] = "bfloat16"
    edit(folder, settings=says)
    assert "its settings are not those that params.yaml gives" in refusal(params, tmp_path)


def test_the_page_tells_versions_of_the_code(params: Params, repo: Path, tmp_path: Path) -> None:
    one = trial_params(repo, trial={"recipes": ["hybrid"], "seeds": [0]})
    folders = [fabricate(one, run, tmp_path) for run in expand(one, "trial")]
    assert code_versions(collect(one, "trial", tmp_path).results) == ""
    edit(folders[0], code=["a" * 12], git_commit="9" * 40)
    edit(folders[1], code=["c" * 12, "a" * 12], git_commit="9" * 40)
    collection = collect(one, "trial", tmp_path)
    told = (
        "Runs by version of the code that decides numbers (its hash, commit): "
        "cccccccccccc, 0123456789 (3 runs); aaaaaaaaaaaa, 9999999999 (1 run); "
        "cccccccccccc resumed by aaaaaaaaaaaa, 9999999999 (1 run)"
    )
    assert code_versions(collection.results) == told
    assert f"{told}." in study_facts(collection)
