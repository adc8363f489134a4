"""The study of your own sounds, as Snakemake takes it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import soundfile
import yaml

from soundclr.params import read_params
from support.projects import commit_all, copy_of, run_in

OWN = ("snakemake", "--cores", "1", "--config", "study=own")


def write_clips(folder: Path, level: float) -> None:
    """Ten clips of two classes."""
    for number in range(10):
        path = folder / "sounds" / ("wren", "robin")[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.linspace(0, level, 800 + number), 8000)


def test_without_sounds_it_is_one_line(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    for said in ("sounds: has no clips; it is the folder", "sounds: is missing; it is the folder"):
        done = run_in(folder, *OWN, check=False)
        assert done.returncode == 1
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert not (folder / "data").exists()
        shutil.rmtree(folder / "sounds", ignore_errors=True)


def test_a_folder_is_all_it_needs_and_few_clips_are_warned_of(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    write_clips(folder, 0.1)
    assert re.search("^train +20$", run_in(folder, *OWN, "--dry-run").stdout, re.MULTILINE)
    done = run_in(folder, *OWN, "--", "data/own/index.csv")
    assert len((folder / "data/own/index.csv").read_text().splitlines()) == 11
    assert re.search(r"^warning: \w+ on own, stage 'joint' takes only 30 optimiser steps", done.stderr, re.MULTILINE)


def test_a_clip_that_changes_under_its_name_is_refused(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    write_clips(folder, 0.1)
    run_in(folder, *OWN, "--", "data/own/index.csv")
    write_clips(folder, 0.2)
    done = run_in(folder, *OWN, "--dry-run", check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "snakemake: error: sounds/robin/1.wav: changed under its name, as did 9 more clips" in done.stderr


def test_dvc_sees_own_sounds_change(repo: Path, tmp_path: Path) -> None:
    """A clip that is new, a label that is edited; and it says what it would not see."""
    folder = copy_of(repo, tmp_path / "project")
    write_clips(folder, 0.1)
    text = (folder / "params.yaml").read_text()
    text = re.sub("^study: .*$", "study: own", text, flags=re.MULTILINE)
    (folder / "params.yaml").write_text(text.replace("start: {weights: imagenet_pqf}", "start: {weights: none}"))
    commit_all(folder)
    run_in(folder, "dvc", "repro", "-s", "data")
    assert changed_deps(folder) == {}
    soundfile.write(folder / "sounds/wren/new.wav", np.full(800, 0.3), 8000)
    assert changed_deps(folder) == {"sounds": "modified"}
    run_in(folder, "dvc", "repro", "-s", "data")
    assert "wren/new" in (folder / "data/own/index.csv").read_text()
    assert changed_deps(folder) == {}
    (folder / "sounds/wren/new.wav").rename(folder / "sounds/robin/new.wav")
    assert changed_deps(folder) == {"sounds": "modified"}
    (folder / "sounds").rename(folder / "recordings")
    shutil.copytree(repo / "sounds", folder / "sounds", ignore=shutil.ignore_patterns("[a-z]*"))
    table = "path,label\n" + "".join(f"{n % 2}/{n}.wav,{n % 2}\n" for n in range(10))
    (folder / "recordings/table.csv").write_text(table.replace("0/", "wren/").replace("1/", "robin/"))
    params = read_params(folder / "params.yaml")
    birds = params["datasets"]["own"] | {"adapter": "csv", "file": "recordings/table.csv"}
    params["datasets"]["birds"], params["studies"]["own"]["datasets"] = birds, ["birds"]
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    done = run_in(folder, "dvc", "repro", "-s", "data", check=False)
    assert done.returncode and "add `- ${datasets.birds.file}` to its `deps`" in done.stderr
    stages = (folder / "dvc.yaml").read_text()
    own = "      - ${datasets.own.file}\n"
    (folder / "dvc.yaml").write_text(stages.replace(own, own + own.replace("own", "birds")))
    run_in(folder, "dvc", "repro", "-s", "data")
    assert changed_deps(folder) == {}
    text = (folder / "recordings/table.csv").read_text()
    (folder / "recordings/table.csv").write_text(text.replace("wren/0.wav,0", "wren/0.wav,1"))
    assert changed_deps(folder) == {"recordings/table.csv": "modified"}


def changed_deps(folder: Path) -> dict[str, str]:
    """What `dvc status` says of what the stage `data` depends on."""
    parts = json.loads(run_in(folder, "dvc", "status", "data", "--json").stdout).get("data", [])
    return {path: how for part in parts for path, how in part["changed deps"].items()}
