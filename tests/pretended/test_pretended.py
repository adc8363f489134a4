"""The tests on the pretended device, in a process of their own, since all of a process knows of the device afterwards.

They are in this folder's other files, and pytest runs them there too: ``pytest tests/pretended/parts_on_device.py``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = ["faults_on_device.py", "parts_on_device.py", "runs_on_device.py"]


@pytest.mark.slow
def test_on_the_pretended_device() -> None:
    files = [Path(__file__).with_name(name) for name in FILES]
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env=others, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
