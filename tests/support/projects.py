"""Copies of the repository to run workflows in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run_in(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in ``folder`` with this environment's programs, as a user with no mirror would."""
    done = subprocess.run(command, cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=900)
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def surroundings() -> dict[str, str]:
    """The environment variables of a user with this environment's programs and no mirror."""
    environment = {key: value for key, value in os.environ.items() if key != "SOUNDCLR_MIRROR"}
    return environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}


def copy_of(repo: Path, folder: Path) -> Path:
    """The repository's own files, those not committed yet too, without results: a folder to run the demo in."""
    for name in ["params.yaml", "Snakefile", "dvc.yaml", ".dvcignore", ".gitignore", "environment.yml"]:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(repo / name, folder / name)
    for name in ["params", "workflow", "profiles", "src"]:
        shutil.copytree(repo / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (folder / "sounds").mkdir()
    shutil.copy(repo / "sounds" / ".gitignore", folder / "sounds" / ".gitignore")
    (folder / ".dvc").mkdir()
    shutil.copy(repo / ".dvc" / "config", folder / ".dvc" / "config")
    return folder


def commit_all(folder: Path, *force: str) -> None:
    """Make ``folder`` a git repository with all its files; ``force`` names ignored ones to take in."""
    run_in(folder, "git", "init", "-q", "-b", "main")
    run_in(folder, "git", "add", "-A")
    for path in force:
        run_in(folder, "git", "add", "-f", path)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    run_in(folder, "git", *identity, "commit", "-q", "-m", "all")
