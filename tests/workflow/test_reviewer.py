"""A reviewer's clone: committed metrics, no data, no training; every table and figure comes out anew."""

import shutil
from pathlib import Path

import pytest
from projects import commit_all, run_in

REPORT = ("snakemake", "--snakefile", "workflow/report.smk", "--cores", "1", "--forceall", "--config")


def test_the_report_workflow_knows_no_training_rule(demo: Path) -> None:
    rules = run_in(demo, "snakemake", "--snakefile", "workflow/report.smk", "--list-rules").stdout.split()
    assert sorted(rules) == ["all", "tables"]


def written(folder: Path) -> dict[Path, bytes]:
    """What the report wrote of the demo into results: path from the repository's root -> contents."""
    paths = (
        path
        for place in ("*.*", "tables/*", "summary/*/*", "captions/*")
        for path in folder.glob(f"results/demo/{place}")
    )
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def test_clone_regenerates_everything(demo: Path, tmp_path: Path) -> None:
    """From the committed runs alone, the same bytes of every table."""
    source = tmp_path / "source"
    shutil.copytree(demo, source, ignore=shutil.ignore_patterns("data", "models", ".snakemake", "logs"))
    commit_all(source, "results/demo", "figures/demo")
    run_in(tmp_path, "git", "clone", "-q", str(source), "clone")
    clone = tmp_path / "clone"
    tables = written(source)
    for path in [*written(clone), *clone.glob("figures/demo/*")]:
        (clone / path).unlink()
    run_in(clone, *REPORT, "study=demo")
    assert written(clone) == tables
    assert {path.name for path in tables} >= {"README.md", "table3.csv", "table4.tex", "comparison.md", "table3.rst"}
    assert len(list(clone.glob("figures/demo/*.png"))) == 11
    assert not (clone / "data").exists()


def test_committed_results_are_what_their_runs_give(repo: Path, tmp_path: Path) -> None:
    """A clone of this repository, its report made anew: git sees no difference in results/."""
    if not (repo / ".git").exists():
        pytest.skip("needs the repository's history: this is a copy of its files without .git")
    run_in(tmp_path, "git", "clone", "-q", str(repo), "clone")
    clone = tmp_path / "clone"
    run_in(clone, *REPORT, "study=esc10")
    assert run_in(clone, "git", "status", "--porcelain", "--", "results").stdout == ""
