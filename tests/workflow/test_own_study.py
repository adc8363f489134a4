"""The study of your own sounds, as Snakemake takes it."""

import re
from pathlib import Path

import numpy as np
import soundfile
from projects import copy_of, run_in

OWN = ("snakemake", "--cores", "1", "--config", "study=own")


def test_without_sounds_it_is_one_line(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    done = run_in(folder, *OWN, check=False)
    assert done.returncode == 1
    assert "sounds: is not there; it is the folder of your sounds" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (folder / "data").exists()


def test_a_folder_is_all_it_needs_and_few_clips_are_warned_of(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    for number in range(10):
        path = folder / "sounds" / ("wren", "robin")[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(800, 0.1), 8000)
    assert re.search("^train +5$", run_in(folder, *OWN, "--dry-run").stdout, re.MULTILINE)
    done = run_in(folder, *OWN, "--", "data/own/index.csv")
    assert len((folder / "data/own/index.csv").read_text().splitlines()) == 11
    assert re.search(r"^warning: \w+ on own, stage 'joint' takes only 20 optimiser steps", done.stderr, re.MULTILINE)
