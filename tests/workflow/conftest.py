"""One run of the demo, which several tests look at."""

from pathlib import Path

import pytest
from projects import copy_of, run_in


@pytest.fixture(scope="session")
def demo(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole demo study has run, as `make demo` runs it."""
    folder = copy_of(repo, tmp_path_factory.mktemp("demo") / "project")
    run_in(folder, "snakemake", "--cores", "all", "--resources", "gpu=2", "--config", "study=demo")
    return folder
