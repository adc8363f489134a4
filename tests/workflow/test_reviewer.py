"""A reviewer's clone has committed metrics, no data and no training, and makes every table and figure again."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from support.projects import commit_all, run_in

REPORT = ("snakemake", "--snakefile", "workflow/report.smk", "--cores", "1", "--forceall", "--config")


def test_the_report_workflow_knows_no_training_rule(demo: Path) -> None:
    rules = run_in(demo, "snakemake", "--snakefile", "workflow/report.smk", "--list-rules").stdout.split()
    assert sorted(rules) == ["all", "tables"]


def written(folder: Path) -> dict[Path, bytes]:
    """What the report wrote of the demo into results: path from the repository's root -> contents."""
    paths = (path for place in ("*.*", "tables/*", "captions/*") for path in folder.glob(f"results/demo/{place}"))
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
    drawn = [{path.name for path in folder.glob("figures/demo/*.png")} for folder in (source, clone)]
    assert drawn[0] == drawn[1] and "figure3-demo.png" in drawn[0]
    assert not (clone / "data").exists()


def test_committed_results_are_what_their_runs_give(repo: Path, tmp_path: Path) -> None:
    """A clone of this repository, `make report`, and git sees no difference in results/, of any study."""
    if not (repo / ".git").exists():
        pytest.skip("needs the repository's history: this is a copy of its files without .git")
    run_in(tmp_path, "git", "clone", "-q", str(repo), "clone")
    clone = tmp_path / "clone"
    (clone / ".venv").mkdir()
    (clone / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (clone / ".venv/.installed").write_text(f"{clone}\n")
    done = run_in(clone, "make", "report")
    studies = sorted(path.parent.name for path in clone.glob("results/*/runs"))
    assert len(studies) > 4
    assert [study for study in studies if f"results/{study}/README.md: " not in done.stdout] == []
    assert run_in(clone, "git", "status", "--porcelain", "--", "results").stdout == ""


def test_without_runs_there_is_a_message(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text((repo / "Makefile").read_text())
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").write_text(f"{tmp_path}\n")
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    done = run_in(tmp_path, "make", "report", check=False)
    assert done.returncode and "make report: results/ has no study with runs" in done.stderr
