"""Your own sounds in a folder with a folder for each class: the study `own` needs nothing else."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from soundclr.commands import cli
from soundclr.datasets import fetch_dataset, read_index
from soundclr.errors import UserError
from soundclr.params import DatasetSettings, Params, load, read_params
from soundclr.planning import plan
from soundclr.run import runs
from soundclr.run.clips import clips_of
from support.small_copies import write_clip

SETTINGS: dict[str, Any] = {"title": "x", "adapter": "folders", "file": "sounds", "folds": 2, "sample_rate": 8000}
CLIPS = ["wren/1.wav", "wren/2.flac", "wren/a, b.wav", "robin/1.wav", "robin/2.wav"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the clips, in a repository's root, in which commands run."""
    monkeypatch.chdir(tmp_path)
    for path in CLIPS:
        write_clip(tmp_path / "sounds" / path, 400, 8000, kind="FLAC" if path.endswith("flac") else "WAV")
    return tmp_path / "sounds"


def settings(**changes: Any) -> DatasetSettings:
    return DatasetSettings.model_validate({**SETTINGS, "samples": 800, **changes})


def fetch(**changes: Any) -> pd.DataFrame:
    return read_index(fetch_dataset("own", settings(**changes), Path("data"), None))


def refusal(**changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch(**changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_class_folders_is_a_dataset(project: Path) -> None:
    (project / ".DS_Store").touch()
    (project / "wren" / "._1.wav").touch()
    (project / "birds.csv").touch()
    index = fetch().set_index("clip")
    assert sorted(index.index) == ["robin/1", "robin/2", "wren/1", "wren/2", "wren/a, b"]
    assert index.loc["wren/2", ["path", "label", "class"]].tolist() == ["../../sounds/wren/2.flac", 1, "wren"]
    assert set(index["fold"]) == {1, 2}
    assert not list(Path("data").rglob("*.wav"))  # nothing is copied


def test_its_list_of_files_counts_in_the_hash(project: Path) -> None:
    before = runs.definition_hash(settings())
    (project / ".hidden").touch()
    project.rename("elsewhere")
    assert runs.definition_hash(settings(file="elsewhere")) == before
    Path("elsewhere/wren/1.wav").rename("elsewhere/robin/3.wav")
    assert runs.definition_hash(settings(file="elsewhere")) != before


def test_what_is_no_clip_is_one_line_that_names_it(project: Path) -> None:
    assert "sounds has 2 classes ('robin', 'wren'); its `classes` is 3" in refusal(classes=3)
    assert "have no `file`" in refusal(file=None)
    assert "nowhere: is missing; it is the folder of your sounds, with a folder for each class" in refusal(
        file="nowhere"
    )
    assert "sounds/wren/1.wav: cannot be read (Not a directory)" in refusal(file="sounds/wren/1.wav")
    (project / "wren/1.flac").write_bytes((project / "wren/1.wav").read_bytes())
    assert "sounds/wren/1.wav: wren/1 is listed twice, first in sounds/wren/1.flac" in refusal()
    (project / "wren/1.flac").rename(project / "stray.flac")
    assert "sounds/stray.flac: is not in a class's folder; move it into one" in refusal()
    (project / "stray.flac").unlink()
    (project / "wren/notes.txt").write_text("no sound")
    assert "notes.txt: is no WAV, FLAC, Ogg or MP3 file" in refusal()
    (project / "wren").rename("wren")
    assert "sounds has 1 classes ('robin'); a dataset needs 2 or more" in refusal()
    (project / "robin").rename("robin")
    assert "sounds: has no clips; it is the folder of your sounds, with a folder for each class" in refusal()


def test_folders_of_one_name_in_two_forms_are_refused(project: Path) -> None:
    for name in ("m\u00e9sange", "me\u0301sange"):
        write_clip(project / name / "1.wav", 400, 8000)
    assert "sounds: the labels 'me\\u0301sange' and 'm\\xe9sange' look the same but differ" in refusal()


def test_a_name_that_is_not_utf8_is_one_line(project: Path) -> None:
    (project / "wren/1.wav").rename(project / "wren/\udcff.wav")
    assert "sounds: a name in it is not UTF-8 ('wren/\\udcff'); rename it" in refusal()


def test_a_class_without_clips_is_one_line(project: Path) -> None:
    (project / "owl").mkdir()
    (project / "owl/.hidden").touch()
    assert "sounds/owl: has no clips; put some into it or remove it" in refusal()


def test_what_systems_add_is_no_class_and_no_clip(project: Path) -> None:
    """An archive of a Mac's, a folder that Windows or a network storage has shown."""
    before = runs.definition_hash(settings())
    for path in ("__MACOSX/wren/._1.wav", "@eaDir/x.wav", "wren/Thumbs.db", "robin/desktop.ini", "lost+found/x"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(b"no sound")
    assert set(fetch()["class"]) == {"robin", "wren"}
    assert runs.definition_hash(settings()) == before


@pytest.mark.parametrize("place", ["wren/2023", "train/wren"])
def test_a_folder_inside_of_a_class_is_one_line_before_anything_runs(project: Path, repo: Path, place: str) -> None:
    write_clip(project / place / "9.wav", 400, 8000)
    said = refusal()
    assert f"sounds/{place}: is a folder inside of a class's folder; move its sounds into " in said
    with pytest.raises(UserError, match="is a folder inside of a class's folder"):
        list(runs.expand(load(repo / "params.yaml"), "own"))


@pytest.mark.parametrize("place", ["wren/1\r.wav", "wren\r/1.wav"])
def test_a_carriage_return_in_a_name_is_one_line(project: Path, place: str) -> None:
    write_clip(project / place, 400, 8000)
    assert "has a carriage return in its name, which no table can contain; rename it" in refusal()


@pytest.fixture
def params(repo: Path) -> Params:
    return load(repo / "params.yaml")


def test_only_the_study_of_own_sounds_misses_them(
    params: Params, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for study in params.studies:
        if study != "own":
            assert list(runs.expand(params, study))
    assert cli.main(["--params", str(repo / "params.yaml"), "plan", "--study", "own"]) == 2
    assert capsys.readouterr().err.startswith("soundclr: error: sounds: is missing; it is the folder of your sounds")


def test_the_budget_is_enough_for_40_clips_and_fewer_raise_a_warning(params: Params, project: Path) -> None:
    for number in range(35):
        (project / f"wren/more{number}.wav").touch()  # to be counted, not read
    starts = {run.recipe: params.resolve("own", "own", run.recipe).start.weights for run in runs.expand(params, "own")}
    assert (starts["audio_network"], starts["hybrid"]) == ("yamnet_audioset", "imagenet_pqf")
    assert clips_of(params, "own") == 40
    assert plan.warnings(params, "own") == []
    for number in range(20):
        (project / f"wren/more{number}.wav").unlink()
    assert "on own, stage 'joint' takes only 60 optimiser steps" in plan.warnings(params, "own")[0]


@pytest.mark.slow
def test_the_command_line(repo: Path, project: Path) -> None:
    content = read_params(repo / "params.yaml")
    content["datasets"]["own"] |= {"folds": 2, "sample_rate": 8000, "samples": 800}
    content["studies"]["own"]["recipes"] = ["hybrid"]  # the audio network wants 16 kHz
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert cli.main(["fetch", "own"]) == 0
    assert cli.main(["features", "own", "--threads", "1"]) == 0
    assert runs.features_path(load(Path("params.yaml")), "own").is_file()
