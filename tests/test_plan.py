"""What `soundclr plan` says of a study is what its runs add up to."""

from pathlib import Path

import pytest

from soundclr.commands import cli
from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.planning import plan
from soundclr.planning.rates import Kind, Rate, Rates, Speed, kinds
from soundclr.run import runs
from support import toy

SPEED = Speed(train=90.0, val=45.0)


def as_fast(kind: Kind) -> Rate:
    """A rate of every kind, the first epoch at half the speed."""
    return Rate(kind=kind, measured_batch_size=5, first=Speed(train=45.0, val=22.5), later=SPEED)


@pytest.fixture
def params(repo: Path) -> Params:
    """The toy study with a table of alphas, one of which is the study's own recipe."""
    content = toy.content(repo)
    content["studies"]["toy"]["artefacts"] = {"table2": {"folds": [1], "recipes": ["alpha_025", "hybrid"]}}
    return Params.model_validate(content)


def write_rates(params: Params, folder: Path, leave_out: int = 0) -> Path:
    rates = tuple(as_fast(kind) for kind in list(kinds(params, "toy"))[leave_out:])
    path = folder / "benchmark" / "rates-made-up.json"
    made_up = {"device": "a made-up device", "created": "today", "git_commit": None, "git_dirty": None}
    Rates(**made_up, start_seconds=5.0, rates=rates).write(path)
    return path


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


def test_a_probe_waits_for_what_it_starts_from(probed: Params, tmp_path: Path) -> None:
    """Three probes and three hybrids of 5 + 4 x 0.4 s, each probe after its own 6.6 s: on 64 devices 13.2 s."""
    write_rates(probed, tmp_path)
    said = "\n".join(plan.lines(probed, "toy", tmp_path, [1, 64]))
    assert f"The longest training, with what it starts from, takes {2 * 6.6 / 3600:,.1f} hours, so more than" in said
    assert "more than about 5 devices save no time" in said  # nine of them take 4.5 times as long as two


def test_the_kind_of_a_stage_is_what_its_speed_depends_on(repo: Path, probed: Params) -> None:
    def kinds_with(**changes: object) -> set[Kind]:
        return set(kinds(toy.params(repo, **changes), "toy"))

    plain = kinds_with()
    assert len(plain) == 4  # cross-entropy, hybrid, contrastive, classifier
    assert kinds_with(lr=1e-4) == kinds_with(labels=0.5) == kinds_with(epochs=7) == plain
    log_mel = {"n_fft": 128, "hop_length": 64, "n_mels": 16, "channels": 1}
    for change in ({"views": 2}, {"augment": []}, {"batch_size": 4}, {"representations": {"log_mel": log_mel}}):
        assert not kinds_with(**change) & plain
    assert {(kind.trains, kind.crop) for kind in kinds(probed, "toy")} >= {(("classifier",), "centre")}
    assert {kind.shape for kind in plain} == {(1, 32, 33)}


def test_rates_come_back_from_their_file(params: Params, tmp_path: Path) -> None:
    path = write_rates(params, tmp_path)
    assert Rates.read(path).by_kind == {kind: as_fast(kind) for kind in kinds(params, "toy")}


def test_seconds_of_a_run_by_hand(params: Params) -> None:
    """Three folds of 9 clips: 18 learnt from at 90 a second, 9 judged at 45, in 3 epochs, of which the first takes
    twice as long; two stages twice."""
    rates = {kind: as_fast(kind) for kind in kinds(params, "toy")}
    epochs = 4 * (18 / 90 + 9 / 45)
    by_recipe = {run.recipe: plan.seconds_of(params, run, rates, 5.0) for run in runs.expand(params, "toy")}
    assert by_recipe["cross_entropy"] == pytest.approx(5 + epochs)
    assert by_recipe["supervised_contrastive"] == pytest.approx(5 + 2 * epochs)


def test_an_inner_fold_is_judged_instead_of_learnt_from(repo: Path) -> None:
    params = toy.params(repo, validation="inner")
    rates = {kind: as_fast(kind) for kind in kinds(params, "toy")}
    run = next(runs.expand(params, "toy"))
    assert plan.seconds_of(params, run, rates, 0.0) == pytest.approx(4 * (9 / 90 + 9 / 45))


@pytest.mark.parametrize(
    ("devices", "hours", "busy"), [(1, 10, 1.0), (2, 6, 10 / 12), (4, 4, 10 / 16), (64, 4, 10 / 256)]
)
def test_schedule(devices: int, hours: float, busy: float) -> None:
    done = plan.schedule([2 * 3600, 4 * 3600, 1 * 3600, 3 * 3600], devices)
    assert done.hours == pytest.approx(hours)
    assert done.busy == pytest.approx(busy)


def test_a_job_waits_for_the_one_that_it_starts_from() -> None:
    """The second device is idle while the last job, of 3 hours, waits for the second, of 4."""
    done = plan.schedule([2 * 3600, 4 * 3600, 1 * 3600, 3 * 3600], 2, {3: 1})
    assert (done.hours, done.busy) == (pytest.approx(7), pytest.approx(10 / 14))


def test_the_plan_is_printed(repo: Path, params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(params.model_dump_json())
    write_rates(params, tmp_path / "results")
    arguments = ["--params", str(file), "plan", "--results", str(tmp_path / "results"), "--devices", "1", "1000"]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "10  in all, each trained once; 0 are done" in said
    assert "measured on a made-up device" in said
    assert "1,000" in said
    assert "GB of trained models" in said


def test_rates_of_other_stages_are_not_used(params: Params, tmp_path: Path) -> None:
    write_rates(params, tmp_path, leave_out=1)
    assert any("Hours: not known" in line for line in plan.lines(params, "toy", tmp_path, [1]))


def test_a_file_of_rates_that_is_none_is_named(params: Params, tmp_path: Path) -> None:
    write_rates(params, tmp_path).write_text('{"rates": [{}]}')
    with pytest.raises(UserError, match=r"rates-made-up.json: has no rates of this version; remove it"):
        list(plan.lines(params, "toy", tmp_path, [1]))


def test_clips_are_known_before_they_are_fetched(repo: Path, params: Params) -> None:
    assert [plan.clips_of(params, name) for name in ("esc10", "esc50", "us8k", "demo")] == [400, 2000, 8732, 300]


def test_a_published_split_has_folds_of_different_sizes(repo: Path) -> None:
    """Speech Commands' training clips alone train where the validation clips choose the epoch."""
    content = toy.content(repo)
    content["studies"]["toy"]["datasets"] = ["speech_commands"]
    study = content["studies"]["toy"]
    study["folds"], study["recipes"] = [1], ["cross_entropy", "cross_entropy_inner"]
    params = Params.model_validate(content)
    sizes = {run.recipe: plan.training_clips(params, run) for run in runs.expand(params, "toy")}
    assert sizes == {"cross_entropy": (9981 + 84843, 11005), "cross_entropy_inner": (84843, 9981)}
    assert plan.clips_of(params, "speech_commands") == 105829
    [memory] = [line for line in plan.disk(params, "toy", list(runs.expand(params, "toy"))) if "Memory" in line]
    assert memory.endswith("decoded clips on its device, 3.4 GB at most.")


def test_folds_count_as_equal_by_default(params: Params) -> None:
    [run, *_] = [run for run in runs.expand(params, "toy") if run.fold == 1]
    folds = params.datasets[run.dataset].folds
    clips = plan.clips_of(params, run.dataset)
    assert plan.training_clips(params, run) == (clips * (folds - 1) / folds, clips / folds)


def test_a_model_has_the_size_of_its_file(params: Params) -> None:
    """ResNet-50 without its last layer has 23.5 million weights, of 4 bytes."""
    assert plan.model_bytes(params.resolve("paper", "esc50", "hybrid"), 50) == pytest.approx(94.8e6, rel=0.01)
