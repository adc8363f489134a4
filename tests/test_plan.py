"""What `soundclr plan` says of a study is what its runs add up to."""

from pathlib import Path

import pytest

from soundclr.commands import cli
from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.planning import plan
from soundclr.planning.plan import warnings
from soundclr.planning.status.jobs import Places, Study, TrainingStatus
from soundclr.run import runs
from soundclr.run.clips import clips_of, training_clips
from support import toy
from support.real_params import changed


@pytest.fixture
def params(repo: Path) -> Params:
    """The toy study with a table of alphas, one of which is the study's own recipe."""
    content = toy.content(repo)
    content["studies"]["toy"]["artefacts"] = {"table2": {"folds": [1], "recipes": ["alpha_025", "hybrid"]}}
    return Params.model_validate(content)


def test_shares_add_up_to_the_study(params: Params) -> None:
    own, table2 = plan.shares(params, "toy")
    assert (own.trainings, own.new) == (9, 9)
    assert (table2.title, table2.trainings, table2.new) == ("Table II", 2, 1)
    assert own.new + table2.new == len(list(runs.expand(params, "toy")))


@pytest.fixture
def probed(repo: Path) -> Params:
    """The toy study with a probe that starts from a run of another recipe, which alone is not in it; evaluated."""
    content = toy.content(repo)
    content["recipes"]["pre"] = {"title": "pre", "settings": {"loss": {"supcon": 1.0}, "labels": 0.5}}
    content["recipes"]["probe"] = {
        "title": "probe",
        "settings": {
            "start": {"run": "pre"},
            "augment": [],
            "crop": {"train": "centre"},
            "stages": [{"name": "probe", "trains": ["classifier"]}],
        },
    }
    content["studies"]["toy"] |= {"recipes": ["probe", "hybrid"], "evaluate": {"recipes": ["hybrid"], "folds": [2]}}
    return Params.model_validate(content)


def test_evaluations_and_runs_that_others_start_from_are_counted(probed: Params) -> None:
    own, evaluations, starts = plan.shares(probed, "toy")
    assert (own.trainings, own.new) == (6, 6)
    assert (evaluations.trainings, evaluations.new) == (1, 0)
    assert (starts.trainings, starts.new) == (3, 3)
    assert len(list(runs.expand(probed, "toy"))) == 9


def test_the_plan_is_printed(repo: Path, params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(params.model_dump_json())
    arguments = ["--params", str(file), "plan", "--results", str(tmp_path / "results"), "--devices", "1", "1000"]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "10  in all, each trained once; 0 are done" in said
    assert "Hours: known once a training has done an epoch" in said
    assert "MB of trained models" in said


@pytest.mark.parametrize(("number", "text"), [(1.5e9, "1.5 GB"), (1e9, "1.0 GB"), (5e7, "50.0 MB"), (4e4, "0.0 MB")])
def test_a_size_is_in_a_unit_that_shows_it(number: float, text: str) -> None:
    assert plan.size(number) == text


def test_samples_between_windows_are_warned_of(repo: Path, params: Params) -> None:
    assert warnings(params, "demo") == []
    content = changed(("studies.demo.settings.representations.log_mel.hop_length", 1025))
    found = warnings(Params.model_validate(content), "demo")
    assert any(
        "on demo, loses samples between windows of n_fft: 1024, because hop_length is 1025" in one for one in found
    )


def test_a_plan_without_an_adapter_is_one_line(params: Params, tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(params.model_dump_json().replace('"adapter":"synthetic"', '"adapter":"synthetc"'))
    with pytest.raises(UserError, match=r"unknown adapter in datasets\.\w+\.adapter: 'synthetc'; did you mean 'synth"):
        list(plan.lines(load_checked(file), "toy", tmp_path, [1]))


def test_hours_come_from_the_trainings_that_have_begun(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of cross-entropy took an hour an epoch: two more have three epochs each, and no other run has begun."""

    def status(study: Study, run: runs.Run, places: Places) -> TrainingStatus:
        if (run.recipe, run.fold) != ("cross_entropy", 1):
            return TrainingStatus(run, "waiting")
        return TrainingStatus(run, "done", seconds={"joint": 3600.0}, device="Toy GPU")

    monkeypatch.setattr(plan, "training_status", status)
    text = list(plan.hours(params, "toy", tmp_path, [1, 2]))
    assert "(Toy GPU); evaluations" in text[1]
    assert [line.split() for line in text[3:5]] == [["1", "6.0"], ["2", "3.0"]]
    assert text[5].startswith("and 7 trainings with a kind of stage that has not run yet")


def test_clips_are_known_before_they_are_fetched(repo: Path, params: Params) -> None:
    assert [clips_of(params, name) for name in ("esc10", "esc50", "us8k", "demo")] == [400, 2000, 8732, 300]


def test_a_published_split_has_folds_of_different_sizes(repo: Path) -> None:
    """Speech Commands' training clips alone train where the validation clips choose the epoch."""
    content = toy.content(repo)
    content["studies"]["toy"]["datasets"] = ["speech_commands"]
    study = content["studies"]["toy"]
    study["folds"], study["recipes"] = [1], ["cross_entropy", "cross_entropy_inner"]
    params = Params.model_validate(content)
    sizes = {run.recipe: training_clips(params, run) for run in runs.expand(params, "toy")}
    assert sizes == {"cross_entropy": (9981 + 84843, 11005), "cross_entropy_inner": (84843, 9981)}
    assert clips_of(params, "speech_commands") == 105829
    [memory] = [line for line in plan.disk(params, "toy", list(runs.expand(params, "toy"))) if "Memory" in line]
    assert memory.endswith("decoded clips on its device, 3.4 GB at most.")


def test_folds_count_as_equal_by_default(params: Params) -> None:
    [run, *_] = [run for run in runs.expand(params, "toy") if run.fold == 1]
    folds = params.datasets[run.dataset].folds
    clips = clips_of(params, run.dataset)
    assert training_clips(params, run) == (clips * (folds - 1) / folds, clips / folds)


def test_a_model_has_the_size_of_its_file(params: Params) -> None:
    """ResNet-50 without its last layer has 23.5 million weights, of 4 bytes."""
    assert plan.model_bytes(params.resolve("paper", "esc50", "hybrid"), 50) == pytest.approx(94.8e6, rel=0.01)
