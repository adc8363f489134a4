"""Disks that are full or read-only, folders without permission: one line, and nothing half-written."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.style  # noqa: F401 - it reads the home folder, while that may be read
import numpy as np
import pytest

import soundclr.report.write  # noqa: F401 - while all of it may be read, before the tests are another user
from soundclr.machine.files import sha256_of_file
from soundclr.params import load
from soundclr.run import runs
from soundclr.training import job

TRAIN = "train --dataset toy --recipe hybrid --fold 1"
FULL = "No space left on device: free some space, then run the same command"
READ_ONLY = "Read-only file system: change its permissions, or choose another folder"
FORBIDDEN = "Permission denied"


def files(folder: Path) -> list[str]:
    """The files in a folder, without the filler and locks."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name != "filler" and not name.endswith(".lock"))


def run_folder(results: Path) -> Path:
    """Where TRAIN writes."""
    return runs.find_run(load(Path("params.yaml")), "toy", "toy", "hybrid", 1, 0).directory(results)


def test_full_disk_while_a_dataset_is_made(project, disk, refuse, succeed) -> None:
    disk.remount("size=64k")
    said = refuse("fetch toy --data disk")
    assert "disk/toy/audio: cannot be written" in said and FULL in said
    assert files(disk.path) == []
    disk.remount("size=8m")
    succeed("fetch toy --data disk")
    assert len(files(disk.path)) == 27 + 2  # the clips, the index and what it was made of


def test_full_disk_while_an_index_is_written(project, disk, refuse) -> None:
    disk.fill()
    said = refuse("fetch birds --data disk")
    assert "disk/birds" in said and FULL in said
    assert files(disk.path) == []


def esc50(project: Path, size: int) -> None:
    """A mirror with an archive that unpacks to ``size`` bytes, and to a hundredth of that if they are zeros."""
    (project / "mirror").mkdir()
    with zipfile.ZipFile(project / "mirror" / "ESC-50-master.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ESC-50-master/audio/1-1-A-0.wav", np.random.default_rng(0).bytes(100_000) + bytes(size))


@pytest.mark.parametrize("room", ["size=64k", "size=256k"])
def test_full_disk_while_an_archive_is_copied_or_unpacked(project, disk, refuse, room) -> None:
    esc50(project, 1_000_000)
    disk.remount(room)
    said = refuse("fetch esc50 --data disk --mirror mirror")
    assert FULL in said and "disk/" in said and "ESC-50-master.zip" in said
    assert files(disk.path) == ([] if room == "size=64k" else ["downloads/ESC-50-master.zip"])
    assert not (disk.path / "esc50").exists() or not list((disk.path / "esc50").iterdir())


def test_full_disk_while_features_are_written(project, disk, refuse, succeed) -> None:
    succeed("fetch birds --data disk")
    before = files(disk.path)
    disk.fill()
    said = refuse("features birds --data disk --threads 1")
    assert "disk/features/birds-" in said and FULL in said
    assert files(disk.path) == before


def test_full_disk_while_a_run_is_trained(project, disk, refuse, succeed) -> None:
    """From the first checkpoint to the last file, wherever the space ends; once there is some, the run goes on."""
    succeed(f"{TRAIN} --results undisturbed")
    expected = json.loads((run_folder(Path("undisturbed")) / "metrics.json").read_text())
    for size in ("200k", "1200k"):
        disk.remount(f"size={size}")
        said = refuse(f"{TRAIN} --results disk")
        assert "disk/toy/models/toy/hybrid-" in said and FULL in said, said
        assert [Path(name).suffix for name in files(disk.path)] in ([], [".progress"], [".progress", ".resume"])
    disk.remount("size=16m")
    succeed(f"{TRAIN} --results disk")
    metrics = json.loads((run_folder(disk.path) / "metrics.json").read_text())
    assert metrics["files"]["predictions.csv"] == expected["files"]["predictions.csv"]
    assert not list(disk.path.rglob("*.resume"))


@pytest.mark.parametrize("last", ["history.csv", "predictions.csv", "model", "metrics.json"])
def test_full_disk_while_results_are_written(project, disk, refuse, succeed, monkeypatch, last) -> None:
    """Without metrics.json, which comes last, there is no run; the next attempt completes it from the checkpoint."""
    maker = {"history.csv": "history_csv", "predictions.csv": "predictions_csv", "metrics.json": "described"}
    name = maker.get(last)

    def then_fill(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            disk.fill()
            return function(*arguments)

        return call

    with monkeypatch.context() as patch:
        if name is None:
            save = job.torch.save
            patch.setattr(
                job.torch,
                "save",
                lambda content, file: (disk.fill() if "identity" not in content else None, save(content, file)),
            )
        else:
            patch.setattr(job, name, then_fill(getattr(job, name)))
        said = refuse(f"{TRAIN} --results disk")
    assert FULL in said and (last in said or (last == "model" and ".pt" in said)), said
    assert not list(disk.path.rglob("metrics.json")) and list(disk.path.rglob("*.resume"))
    (disk.path / "filler").unlink()
    succeed(f"{TRAIN} --results disk")
    folder = run_folder(disk.path)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["files"] == {name: sha256_of_file(folder / name) for name in metrics["files"]}


@pytest.mark.slow
def test_full_disk_while_the_report_is_written(project, disk, refuse, succeed) -> None:
    """Each file is whole or the old one, wherever the space ends."""
    succeed(TRAIN)
    succeed("report")
    wanted = {name: (project / "results" / name).read_bytes() for name in files(Path("results"))}
    shutil.copytree(run_folder(Path("results")), run_folder(disk.path))
    for size in (20, 90):
        disk.remount(f"size={size}k")
        said = refuse("report --results disk --figures disk/figures")
        assert FULL in said and "disk/" in said
        assert all(
            wanted[name] == (disk.path / name).read_bytes() for name in files(disk.path) if "figures" not in name
        )


READ_ONLY_COMMANDS = [
    "fetch toy --data disk",
    "fetch birds --data disk",
    "fetch esc50 --data disk --mirror mirror",
    "features birds --data disk --threads 1",
    f"{TRAIN} --results disk",
    "report --results disk --figures disk/figures",
]


@pytest.mark.slow
def test_read_only_disk(project, disk, refuse, succeed) -> None:
    esc50(project, 0)
    succeed("fetch birds --data disk")
    before = files(disk.path)
    disk.remount("ro")
    for command in READ_ONLY_COMMANDS:
        said = refuse(command)
        assert "disk" in said and READ_ONLY in said, said
    assert files(disk.path) == before


@pytest.mark.slow
def test_folders_without_permission(unspoilt, open_folder, monkeypatch, refuse, succeed, unprivileged) -> None:
    """As another user than the one whom the folders belong to."""
    monkeypatch.chdir(open_folder)
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    shutil.copytree(unspoilt, open_folder, dirs_exist_ok=True)
    open_folder.chmod(0o777)
    esc50(open_folder, 0)
    succeed("fetch birds")
    succeed(TRAIN)
    before = files(open_folder)
    for path in (Path("."), *Path("results").rglob("*"), *Path("data").rglob("*"), Path("results"), Path("data")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    Path("mirror").chmod(0)
    Path("other").mkdir()
    Path("other").chmod(0o777)
    with unprivileged():
        for command in ("fetch toy", "fetch birds", "features birds --threads 1", "report", f"{TRAIN} --seed 1"):
            said = refuse(command)
            assert FORBIDDEN in said and "change its permissions, or choose another folder" in said, said
            assert any(folder in said for folder in ("data/", "results/", "figures/")), said
        said = refuse("fetch esc50 --data other --mirror mirror")
        assert "mirror/ESC-50-master.zip cannot be read (Permission denied" in said, said
    Path("mirror").chmod(0o755)
    (Path("mirror") / "ESC-50-master.zip").chmod(0)
    with unprivileged():
        said = refuse("fetch esc50 --data other --mirror mirror")
        assert "mirror/ESC-50-master.zip cannot be read (Permission denied" in said, said
    assert [name for name in files(open_folder) if not name.startswith("other/")] == before
