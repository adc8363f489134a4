"""The same study through DVC: a changed parameter retrains what depends on it and nothing else."""

from pathlib import Path

import pytest
import yaml
from projects import commit_all, copy_of, run_in


@pytest.fixture
def project(repo: Path, tmp_path: Path) -> Path:
    """The demo with one fold and one epoch, as a git and DVC repository."""
    folder = copy_of(repo, tmp_path / "project")
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["study"] = "demo"
    params["studies"]["demo"] |= {"folds": [1], "recipes": ["cross_entropy", "hybrid"]}
    params["studies"]["demo"]["settings"]["training"]["epochs"] = 1
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    commit_all(folder)
    return folder


def trained(folder: Path) -> dict[str, int]:
    """The runs that are there, and when each was written."""
    return {str(path.parent): path.stat().st_mtime_ns for path in folder.glob("results/demo/runs/*/*/*/metrics.json")}


def test_repro_retrains_the_changed_recipe_only(project: Path) -> None:
    run_in(project, "dvc", "repro")
    before = trained(project)
    assert len(before) == 2
    assert "up to date" in run_in(project, "dvc", "repro").stdout

    params = yaml.safe_load((project / "params.yaml").read_text())
    params["recipes"]["hybrid"]["settings"]["loss"]["alpha"] = 0.25
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run_in(project, "dvc", "repro")
    after = trained(project)
    assert {run: time for run, time in after.items() if run in before} == before
    new = [run for run in after if run not in before]
    assert len(new) == 1
    assert all("/hybrid-" in run for run in new)
    # The old hybrid run is kept, and out of the table.
    assert "1 of other settings set aside" in (project / "results/demo/README.md").read_text()

    assert "hybrid" in run_in(project, "dvc", "metrics", "show", "--md").stdout
    page = run_in(project, "dvc", "plots", "show").stdout.strip()
    assert page.startswith("file://")
    assert "held-out accuracy" in Path(page.removeprefix("file://")).read_text()
