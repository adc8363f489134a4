"""Studies with made-up runs, and their figures, each drawn once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from soundclr.params import Params
from soundclr.report.collect import Collection, collect
from soundclr.report.style import styled
from soundclr.report.write import drawn as named
from soundclr.run.runs import Run, evaluated, expand
from support.drawing import FIGURES, INNER, LADDER, SCHEMES, Drawn, dataset_of
from support.fabricate import fabricate, fabricate_evaluation, trial_params


@pytest.fixture(scope="session")
def params(repo: Path) -> Params:
    """``ten`` has every figure, ``fifty`` many classes and one seed, ``gaps`` lacks runs, ``bare`` has no artefacts."""
    figure3 = {"recipes": LADDER, "seeds": [0]}
    budgets = {"recipes": [f"{scheme}_50" for scheme in SCHEMES], "seeds": [0]}
    artefacts = {"figure3": figure3, "protocols": {"recipes": INNER, "seeds": [0]}, "budget_curve": budgets}
    few = {"seeds": [0, 1], "folds": [1, 2, 3], "evaluate": {}, "artefacts": artefacts}
    return trial_params(
        repo,
        ten=few,
        gaps=few,
        empty=few,
        fifty={"datasets": ["esc50"], "seeds": [0], "folds": [1, 2], "evaluate": {}, "artefacts": {"figure3": figure3}},
        bare={"recipes": ["hybrid"], "datasets": ["esc10", "us8k"]},
        alone={
            "seeds": [0],
            "folds": [1],
            "evaluate": {},
            "artefacts": artefacts | {"figure3": figure3 | {"recipes": LADDER[-2:]}},
        },
        inner={"recipes": [INNER[0]], "folds": [1], "seeds": [0]},
        mixed={"recipes": ["hybrid", INNER[0]], "folds": [1], "seeds": [0]},
    )


def left_out(run: Run) -> bool:
    """What ``gaps`` lacks: a step of the ladder, a fold of another, most of hybrid, most of seed 1."""
    return (
        run.recipe == "scratch_3_channels"
        or (run.recipe == "masks_f0_t0" and run.fold == 3)
        or (run.recipe == "hybrid" and run.fold != 2)
        or (run.seed == 1 and run.fold != 2)
    )


@pytest.fixture(scope="session")
def results(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for study, clips in (("ten", 40), ("gaps", 20), ("fifty", 100), ("alone", 20), ("inner", 20), ("mixed", 20)):
        heard = set(evaluated(params, study))
        for run in expand(params, study):
            if study != "gaps" or not left_out(run):
                skill = 0.95 if run.recipe.startswith("hybrid") else 0.6
                fabricate(params, run, folder, test_clips=clips, skill=skill)
                if run in heard:
                    fabricate_evaluation(params, run, folder, skill=skill)
    return folder


@pytest.fixture(scope="session")
def collections(params: Params, results: Path) -> Callable[[str], Collection]:
    return cache(lambda study: collect(params, study, results))


@pytest.fixture(scope="session")
def drawn(collections: Callable[[str], Collection]) -> Drawn:
    """A study's figure and its caption, each drawn once."""

    @cache
    def draw(study: str, name: str) -> tuple[Figure, str]:
        collection = collections(study)
        with styled():
            found = named(FIGURES[name], collection, dataset_of(collection))
        assert found is not None
        return found

    return draw
