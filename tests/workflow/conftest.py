"""One run of the demo, which several tests look at."""

import fcntl
import os
from pathlib import Path

import pytest

from support.projects import copy_of, run_in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All here are slow: each starts Snakemake or DVC, some many times."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def demo(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole demo study has run, as `make demo` runs it: once, whichever worker is first."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "demo" / "project", shared / "demo.done"
    with open(shared / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            run_in(copy_of(repo, folder), "snakemake", "--cores", "all", "--config", "study=demo")
            done.touch()
    return folder
