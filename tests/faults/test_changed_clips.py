"""Own clips that change under their names: nothing is planned, trained or kept beside them without a line."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from soundclr.commands import cli
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.params import load, read_params
from soundclr.run import own_sounds
from soundclr.run.index_record import read_made_of
from soundclr.run.runs import expand
from support import toy

TRAIN = "train --dataset birds --recipe hybrid --fold 1"
CLIP = Path("sounds/wren0.wav")
CHANGED = "sounds/wren0.wav: changed under its name"
OTHER_CLIPS = "was made of other clips than data/birds/index.csv has now, of the same names"


@pytest.fixture(scope="module")
def once(unspoilt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a run of own sounds."""
    folder = shutil.copytree(unspoilt, tmp_path_factory.mktemp("trained") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in ("fetch birds", "features birds --threads 1", TRAIN):
            assert cli.main(line.split()) == 0
    return folder


@pytest.fixture
def trained(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that, in which commands run."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(once, tmp_path, dirs_exist_ok=True)


def replace(clip: Path = CLIP) -> None:
    """Another sound of the same length under the clip's name and with its time, as `cp -p` leaves it."""
    before = clip.stat()
    soundfile.write(clip, np.random.default_rng(9).normal(0, 0.1, 1500), toy.RATE)
    os.utime(clip, ns=(before.st_atime_ns, before.st_mtime_ns))


def check() -> None:
    """What the workflow asks before it plans anything."""
    params = load(Path("params.yaml"))
    own_sounds.check_clips(params, "birds")
    own_sounds.check_runs(params, expand(params, "toy"), Path("results"))


@pytest.mark.slow
def test_a_changed_clip_is_refused_until_its_runs_are_gone(trained: Path, succeed, refuse) -> None:
    check()
    replace()
    replace(Path("sounds/robin1.wav"))
    with pytest.raises(UserError, match=r"sounds/robin1\.wav: changed under its name, as did 1 more clips, since it"):
        check()
    for line in (TRAIN, f"{TRAIN} --force", TRAIN.replace("fold 1", "fold 2")):
        assert "run `soundclr fetch birds` to use it as it is" in refuse(line)
    succeed("fetch birds")
    with pytest.raises(UserError, match=OTHER_CLIPS) as caught:
        check()
    assert "delete results/toy/runs/birds, results/toy/models/birds, results/toy/evaluations/birds" in str(caught.value)
    assert OTHER_CLIPS in refuse(TRAIN)
    assert "was made of other clips than data/birds/index.csv has now; run `soundclr features birds`" in refuse(
        f"{TRAIN} --force"
    )
    succeed("features birds --threads 1")
    assert OTHER_CLIPS in refuse(TRAIN)
    shutil.rmtree("results/toy/runs/birds")
    check()
    succeed(TRAIN)
    check()


@pytest.mark.slow
@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize("way", ["in place", "a link", "another folder", "a folder behind a link"])
def test_older_files_that_take_clips_places_are_found(trained: Path, way: str, looked: bool) -> None:
    """None of them is newer than what was fetched; nor does it matter whether the clips were looked at before."""
    if looked:
        check()
    if way == "in place":
        replace()
    elif way == "a link":
        CLIP.unlink()
        CLIP.symlink_to("wren1.wav")
    else:
        Path("sounds").rename("fetched")
        shutil.copytree("fetched", "others")
        shutil.copy("others/wren1.wav", "others/wren0.wav")
        os.utime("others/wren0.wav", (1e9, 1e9))
        Path("others").rename("sounds") if way == "another folder" else Path("sounds").symlink_to("others")
    with pytest.raises(UserError, match=r"wren0\.wav: changed under its name since"):
        check()


@pytest.mark.slow
def test_clips_are_read_once(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(own_sounds, "sha256_of_file", lambda path: read.append(path) or sha256_of_file(path))
    Path("data/birds/.found-good").unlink(missing_ok=True)
    check()
    assert len(read) == 8
    check()
    assert len(read) == 8
    os.utime(CLIP)
    check()
    assert read[8:] == [CLIP]
    Path("data/birds/.found-good").write_text("[1")
    check()
    assert len(read) == 17


def test_a_changed_clip_that_comes_back_is_as_before(trained: Path, refuse, succeed) -> None:
    kept = CLIP.read_bytes()
    replace()
    assert CHANGED in refuse(TRAIN)
    CLIP.write_bytes(kept)
    check()
    succeed(TRAIN)


@pytest.mark.parametrize("what", ["touched", "missing", "no index", "another table"])
def test_what_changes_no_clip_refuses_nothing(trained: Path, what: str) -> None:
    if what == "touched":
        os.utime(CLIP, (time.time() + 60,) * 2)
    elif what == "missing":
        CLIP.unlink()
    elif what == "no index":
        replace()
        Path("data/birds/index.csv").unlink()
    else:
        replace()  # runs of another table have other paths, and it is fetched before they are trained
        table = Path("sounds/birds.csv")
        table.write_text(table.read_text().replace("wren0.wav,wren,1", "wren0.wav,wren,2"))
    check()


@pytest.mark.slow
def test_sounds_that_were_moved_are_the_same(trained: Path, succeed) -> None:
    """Their index is known as before, so that runs and features of it stay theirs."""
    before = read_made_of(Path("data/birds/index.csv"))
    Path("sounds").rename("elsewhere")
    content = read_params(Path("params.yaml"))
    content["datasets"]["birds"]["file"] = "elsewhere/birds.csv"
    Path("params.yaml").write_text(yaml.safe_dump(content))
    for _ in range(2):
        succeed("fetch birds")
        now = read_made_of(Path("data/birds/index.csv"))
        assert now["index_sha256"] == before["index_sha256"] and now["file_sha256"] != before["file_sha256"]
        check()
    succeed("features birds --threads 1")
    succeed(f"{TRAIN} --force")


def test_dvc_is_told_what_it_does_not_see(project: Path) -> None:
    Path("dvc.yaml").write_text("stages: {data: {deps: ['${datasets.own.file}', src]}}\n")
    params = load(Path("params.yaml"))
    own_sounds.check_seen_by_dvc(params, ["toy", "birds"], Path("dvc.yaml"))  # in the folder sounds
    content = read_params(Path("params.yaml"))
    content["datasets"]["birds"]["file"] = "recordings/birds.csv"
    Path("params.yaml").write_text(yaml.safe_dump(content))
    Path("recordings").mkdir()
    shutil.copy("sounds/birds.csv", "recordings")
    params = load(Path("params.yaml"))
    said = r"does not depend on recordings/birds\.csv, .* add `- \$\{datasets\.birds\.file\}` to its `deps`"
    with pytest.raises(UserError, match=said):
        own_sounds.check_seen_by_dvc(params, ["toy", "birds"], Path("dvc.yaml"))
    own_sounds.check_seen_by_dvc(params, ["toy"], Path("dvc.yaml"))
    Path("dvc.yaml").write_text("stages: {data: {deps: ['${datasets.own.file}', '${datasets.birds.file}']}}\n")
    own_sounds.check_seen_by_dvc(params, ["birds"], Path("dvc.yaml"))
