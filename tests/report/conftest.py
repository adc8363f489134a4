"""Studies that have every table, with made-up runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundclr.params import Params
from soundclr.report.collect import Collection, collect
from soundclr.report.write import write_report
from soundclr.run.runs import Run, evaluated, expand
from support.fabricate import fabricate, fabricate_evaluation, trial_params

SKILL = {"cross_entropy": 0.7, "hybrid": 0.9, "cross_entropy_inner": 0.6}


@pytest.fixture(scope="session", autouse=True)
def _no_fsync() -> Iterator[None]:
    """Hundreds of small files are written here, and none has to outlive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soundclr.machine.files.os.fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def toy(repo: Path) -> Params:
    mixed = ["cross_entropy", "masks_f0_t0", "masks_f1_32_t0", "masks_f1_16_t1_32"]
    return trial_params(
        repo,
        everything={
            "folds": [1, 2, 3],
            "seeds": [0, 1],
            "evaluate": {"seeds": [0]},
            "artefacts": {
                "table2": {"seeds": [0], "recipes": ["alpha_001", "hybrid", "alpha_099"]},
                "protocols": {"seeds": [0], "folds": [1, 2], "recipes": ["cross_entropy_inner", "hybrid_inner"]},
            },
        },
        masks={
            "datasets": ["esc50"],
            "folds": [1, 2],
            "seeds": [0, 1],
            "recipes": ["cross_entropy"],
            "artefacts": {"table1": {"seeds": [0], "recipes": mixed}},
        },
        narrow={
            "datasets": ["demo"],
            "recipes": ["cross_entropy"],
            "artefacts": {"table1": {"recipes": [*mixed, "masks_f0_t2_64"]}},
            "settings": {"augmentations": {"frequency_mask": {"width": 4}, "time_mask": {"width": 4}}},
        },
        single={"recipes": ["cross_entropy", "supervised_contrastive"], "seeds": [0]},
    )


@pytest.fixture(scope="session")
def toy_results(toy: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of everything: all runs but those of alpha 0.99 and one other; all but one evaluation. And of masks."""
    folder = tmp_path_factory.mktemp("tables") / "results"
    for run in expand(toy, "everything"):
        if run.recipe != "alpha_099" and (run.recipe, run.fold, run.seed) != ("supervised_contrastive", 3, 1):
            fabricate(toy, run, folder, skill=SKILL.get(run.recipe, 0.8))
    for run in evaluated(toy, "everything")[1:]:
        fabricate_evaluation(toy, run, folder)
    for run in expand(toy, "masks"):
        fabricate(toy, run, folder, test_clips=50, skill=0.95 if run.recipe == "masks_f1_32_t0" else 0.8)
    return folder


@pytest.fixture(scope="session")
def everything(toy: Params, toy_results: Path) -> Collection:
    return collect(toy, "everything", toy_results)


@pytest.fixture(scope="session")
def params(repo: Path) -> Params:
    return trial_params(
        repo,
        one={"seeds": [0]},
        part={"seeds": [0, 1, 2], "recipes": ["cross_entropy", "hybrid"]},
        several={"datasets": ["esc10", "us8k"], "seeds": [0], "recipes": ["hybrid"], "folds": [1, 2]},
        fifty={"datasets": ["esc50"], "seeds": [0], "recipes": ["cross_entropy", "hybrid"], "folds": [1, 2]},
    )


@pytest.fixture
def run(params: Params) -> Run:
    return next(expand(params, "trial"))


@pytest.fixture(scope="session")
def full(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs of the trial and what the report makes of them, in ``results`` and ``figures``."""
    folder = tmp_path_factory.mktemp("full")
    for run in expand(params, "trial"):
        fabricate(params, run, folder / "results", skill=0.9 if run.recipe == "hybrid" else 0.8)
    write_report(params, "trial", folder / "results", folder / "figures")
    return folder


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of tables alone: drawing takes seconds."""
    monkeypatch.setattr("soundclr.report.write.draw", lambda *figure: None)
