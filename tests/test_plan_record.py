"""What DVC's stages depend on: it changes with what a study comes to, and with nothing else."""

from pathlib import Path
from typing import Any

import yaml

from soundclr.params import Params
from soundclr.planning.plan import planned, write_plan
from soundclr.run.runs import expand
from support.real_params import changed_params


def test_every_run_is_there_by_its_hash(tmp_path: Path) -> None:
    params = changed_params()
    write_plan(params, "demo", tmp_path / "plan.yaml")
    content = yaml.safe_load((tmp_path / "plan.yaml").read_text())
    groups = {run.group for run in expand(params, "demo")}
    assert content["runs"].keys() == groups
    (hybrid,) = (text for group, text in content["runs"].items() if group.startswith("demo/hybrid-"))
    assert hybrid == "folds 1 2 3 4 5, seeds 0"
    assert content["evaluations"]["runs"].keys() < groups
    assert len(content["evaluations"]["runs"]) == 3


def test_a_part_changes_only_with_what_it_is_of() -> None:
    before = planned(changed_params(), "demo")

    def changes(**blocks: Any) -> set[str]:
        return different(changed_params(**blocks))

    def different(params: Params) -> set[str]:
        after = planned(params, "demo")
        return {part for part in before if before[part] != after[part]}

    loss = {"settings": {"loss": {"cross_entropy": 0.4, "supcon": 0.6}}}
    assert changes(recipes={"hybrid": loss}) == {"runs", "evaluations", "report"}
    noise = changed_params().evaluation.model_copy(update={"seed": 1})
    assert different(changed_params().model_copy(update={"evaluation": noise})) == {"evaluations", "report"}
    assert changes(studies={"demo": {"note": "another"}}) == {"report"}
    assert changes(studies={"esc10": {"note": "another"}}) == set()
    assert changes(recipes={"clar": {"title": "another"}}) == {"report"}
    assert changes(recipes={"linear_probe_1": {"title": "another"}}) == set()
