"""A user of Snakemake sees the one line of each command that failed, on the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from soundclr.params import load
from soundclr.run import runs


@pytest.mark.slow
def test_the_lines_of_failing_jobs_are_shown(repo: Path, project: Path) -> None:
    """One whose log goes to the terminal too, and one whose log is a file: tried once, though there are retries."""
    for name in ("Snakefile", "workflow", "profiles", "environment.yml"):
        (project / name).symlink_to(repo / name)
    (project / "sounds/wren0.wav").write_text("no sound")
    params = load(project / "params.yaml")
    features = runs.features_path(params, "toy")
    index = project / "data/toy/index.csv"
    index.parent.mkdir()
    index.write_text("")
    os.utime(index, (0, 0))
    features.write_text("no features")
    metrics = runs.find_run(params, "toy", "toy", "hybrid", 1, 0).directory() / "metrics.json"
    done = subprocess.run(
        ["snakemake", "--cores", "1", "--", "data/birds/index.csv", str(metrics)],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in shown, shown
    for rule, said in (
        ("fetch", "sounds/wren0.wav: is no WAV, FLAC, Ogg or MP3 file"),
        ("train", f"{features}: is cut off or not a features file"),
    ):
        assert sum(line.startswith(f"{rule} failed: ") and said in line for line in shown.splitlines()) == 1, shown
    assert "RuleException" not in shown and "Trying to restart" not in shown, shown
    end = shown.splitlines()
    place = next(number for number, line in enumerate(end) if line.startswith("Study toy: trainings: 0 of "))
    assert end[place + 1].startswith(f"  failed: toy hybrid fold1-seed0: {features}: is cut off")
    assert end[place + 2].startswith("  failed: fetching birds: ") and "wren0.wav: is no WAV" in end[place + 2]
    assert end[place + 3] == "Next: fix that, then run the same command, which keeps what is done"
    assert not (project / "data/birds/index.csv").exists() and not metrics.exists()
