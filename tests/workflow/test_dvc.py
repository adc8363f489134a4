"""The same study through DVC: what changed runs again and nothing else, and a second clone trains nothing."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from projects import commit_all, copy_of, run_in

from soundclr.locks import locked

MODELS = "results/demo/models/*/*/*.pt"


def change(folder: Path, weight: float) -> None:
    """Another weight of the contrastive loss for the hybrid scheme."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["recipes"]["hybrid"]["settings"]["loss"]["supcon"] = weight
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="module")
def project(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with one fold and one epoch, as a git and DVC repository whose runs are there, pushed and committed."""
    folder = copy_of(repo, tmp_path_factory.mktemp("dvc") / "project")
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["study"] = "demo"
    params["studies"]["demo"] |= {"folds": [1], "recipes": ["cross_entropy", "hybrid"]}
    params["studies"]["demo"]["artefacts"] = {}
    params["studies"]["demo"]["evaluate"] = {"recipes": ["cross_entropy"]}  # which no test changes
    params["studies"]["demo"]["settings"]["training"]["epochs"] = 1
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    commit_all(folder)
    run_in(folder, "dvc", "repro")
    run_in(folder, "dvc", "push")
    commit_all(folder)
    return folder


def trained(folder: Path) -> dict[str, int]:
    """The runs that are there, and when each was written."""
    return {str(path.parent): path.stat().st_mtime_ns for path in folder.glob("results/demo/runs/*/*/*/metrics.json")}


def test_a_second_clone_pulls_and_trains_nothing(project: Path, tmp_path: Path) -> None:
    """Beside the first one, as the remote is a folder there; on the clone all files have new times."""
    clone = project.with_name("clone")
    run_in(tmp_path, "git", "clone", "-q", str(project), str(clone))
    assert not list(clone.glob(MODELS))
    assert "train " not in run_in(clone, "snakemake", "--dry-run", "--cores", "1").stdout
    run_in(clone, "dvc", "pull")
    assert len(list(clone.glob(MODELS))) == 2
    assert {path.read_bytes() for path in clone.glob(MODELS)} == {path.read_bytes() for path in project.glob(MODELS)}
    before = trained(clone)
    assert "Nothing to be done" in run_in(clone, "snakemake", "--dry-run", "--cores", "1").stdout
    assert "up to date" in run_in(clone, "dvc", "repro").stdout
    assert trained(clone) == before


def test_repro_retrains_the_changed_recipe_only(project: Path) -> None:
    before = trained(project)
    assert len(before) == 2
    assert "up to date" in run_in(project, "dvc", "repro").stdout

    change(project, 0.25)
    with locked(project / ".snakemake/soundclr.lock", "this test runs the workflow"):
        second = run_in(project, "dvc", "repro", check=False)
        assert second.returncode
        assert f"the jobs of this folder are being run by process {os.getpid()} on " in second.stderr
        assert trained(project) == before
    run_in(project, "dvc", "repro")
    after = trained(project)
    assert {run: time for run, time in after.items() if run in before} == before
    new = [run for run in after if run not in before]
    assert len(new) == 1
    assert all("/hybrid-" in run for run in new)
    # The old hybrid run is kept, and out of the table.
    assert "1 of other settings set aside" in (project / "results/demo/README.md").read_text()

    metrics = run_in(project, "dvc", "metrics", "show").stdout
    assert "demo/hybrid.json" in metrics and max(map(len, metrics.splitlines())) < 110
    differing = json.loads(run_in(project, "dvc", "metrics", "diff", "--json", "--all").stdout)
    assert "last_epoch" in differing["results/demo/summary/demo/hybrid.json"]


@pytest.mark.parametrize(("command", "revisions"), [("show", {"workspace"}), ("diff", {"HEAD", "workspace"})])
def test_each_plot_keeps_schemes_apart(project: Path, command: str, revisions: set[str]) -> None:
    """Three plots of the study and none else; in each the data and what is drawn of them have the scheme."""
    page = run_in(project, "dvc", "plots", command).stdout.strip()
    text = Path(page.removeprefix("file://")).read_text()
    specs = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*?\});\n", text, re.DOTALL) if spec != "{}"]
    titles = [spec["title"]["text"] for spec in specs]
    assert titles == ["demo, held-out accuracy", "demo, accuracy of each fold", "demo, confusion"]
    for spec in specs:
        assert {row["recipe"] for row in spec["data"]["values"]} == {"cross_entropy", "hybrid"}
        assert {row["rev"] for row in spec["data"]["values"]} == revisions
        assert "<DVC" not in json.dumps(spec)
    lines, points, matrices = specs
    assert lines["spec"]["encoding"]["color"]["field"] == points["spec"]["encoding"]["color"]["field"] == "recipe"
    assert "datum.recipe" in matrices["transform"][0]["calculate"]
    assert matrices["facet"]["column"]["field"] == matrices["transform"][0]["as"]


def test_an_experiment_in_place(project: Path) -> None:
    """`dvc exp run -S` trains the changed recipe alone, and lists the result beside the last commit's."""
    before = trained(project)
    run_in(project, "dvc", "exp", "run", "-S", "recipes.hybrid.settings.loss.supcon=0.75")
    assert len(trained(project)) == len(before) + 1
    loss = yaml.safe_load((project / "params.yaml").read_text())["recipes"]["hybrid"]["settings"]["loss"]
    assert loss == {"cross_entropy": 0.5, "supcon": 0.75}
    rows = json.loads(run_in(project, "dvc", "exp", "show", "--json").stdout)
    assert "0.75" in json.dumps(rows)
