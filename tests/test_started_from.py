"""A run that starts from another brings it along, and is named by what that one was trained with."""

import pytest
import yaml

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.run.runs import expand, recipe_hash, started_from
from support.real_params import CONTENT, changed_params


def probe(start, **recipe):
    """A recipe that trains the classifier alone, on an encoder that starts from ``start``."""
    stages = [{"name": "probe", "trains": ["classifier"]}]
    settings = {"start": {"weights": "none", **start}, "stages": stages}
    return {"title": "probe", "base": "cross_entropy", "settings": settings, **recipe}


PROBE = probe({"run": "hybrid"})


def probing(study=None, **changes):
    """Parameters with the recipe ``probe``, which starts from hybrid, in the study demo, and other changes."""
    changes.setdefault("recipes", {}).setdefault("probe", PROBE)
    return changed_params(
        **changes, studies={"demo": {"recipes": ["probe"], "artefacts": {}, "evaluate": None, **(study or {})}}
    )


def test_a_run_that_starts_from_another_brings_it_along():
    params = probing()
    expanded = list(expand(params, "demo"))
    assert [(run.recipe, run.fold) for run in expanded] == [
        (recipe, fold) for fold in range(1, 6) for recipe in ("probe", "hybrid")
    ]
    for probe, hybrid in zip(expanded[::2], expanded[1::2], strict=True):
        assert started_from(params, probe) == hybrid and started_from(params, hybrid) is None
        assert (probe.fold, probe.seed) == (hybrid.fold, hybrid.seed)


def test_all_that_start_from_a_run_share_it():
    second = {"probe_half": {"title": "half the labels", "base": "probe", "settings": {"labels": 0.5}}}
    params = probing(recipes=second, study={"recipes": ["probe", "probe_half", "hybrid"], "folds": [1]})
    assert [run.recipe for run in expand(params, "demo")] == ["probe", "hybrid", "probe_half"]


def test_settings_of_the_other_run_change_the_hash():
    other_loss = {"title": "hybrid", "settings": {"loss": {"cross_entropy": 0.4, "supcon": 0.6}}}
    others = [
        probing(),
        probing(recipes={"hybrid": other_loss}),
        probing(recipes={"probe": probe({})}),
        probing(recipes={"probe": probe({"run": "alpha_001"})}),
        probing(revision=9),
    ]
    assert len({recipe_hash(params, "demo", "demo", "probe") for params in others}) == 5


def test_the_name_of_the_other_run_does_not_change_the_hash():
    again = probe({"run": "again"})
    renamed = probing(recipes={"again": {**CONTENT["recipes"]["hybrid"], "title": "?"}, "probe": again})
    assert recipe_hash(renamed, "demo", "demo", "probe") == recipe_hash(probing(), "demo", "demo", "probe")


def test_a_run_may_start_from_one_on_another_dataset():
    params = probing(recipes={"probe": probe({"run": "hybrid", "dataset": "esc10"})})
    assert {(run.dataset, run.recipe) for run in expand(params, "demo")} == {("demo", "probe"), ("esc10", "hybrid")}


def test_one_run_may_serve_all_folds():
    params = probing(recipes={"probe": probe({"run": "hybrid", "fold": 2})})
    starts = [run for run in expand(params, "demo") if run.recipe == "hybrid"]
    assert [(run.fold, run.seed) for run in starts] == [(2, 0)]
    probes = [run for run in expand(params, "demo") if run.recipe == "probe"]
    assert [run.fold for run in probes] == [1, 2, 3, 4, 5]
    assert {started_from(params, run) for run in probes} == set(starts)
    others = [probing(), params, probing(recipes={"probe": probe({"run": "hybrid", "fold": 3})})]
    assert len({recipe_hash(each, "demo", "demo", "probe") for each in others}) == 3


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ({"run": "hybrid", "fold": 6}, "fold of demo, whose hybrid demo/demo/probe starts from: 6"),
        ({"fold": 1}, "start.fold belongs to start.run, which is missing"),
    ],
)
def test_a_fold_that_there_is_not_is_refused(tmp_path, start, said):
    content = probing(recipes={"probe": probe(start)}).model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load_checked(tmp_path / "params.yaml")
