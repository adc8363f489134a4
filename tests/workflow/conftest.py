"""One run of the demo, which several tests look at."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo(demo_under_way: "tuple[Path, subprocess.Popen[bytes]]") -> Path:
    """A folder in which the whole demo study has run, as `make demo` runs it."""
    folder, process = demo_under_way
    if process.wait(timeout=900):
        pytest.fail(f"the demo ended with {process.returncode}:\n{(folder / 'messages.txt').read_text()}")
    return folder
