"""Your own sounds: a CSV table as a dataset, folds given or drawn."""

import copy
import hashlib
import itertools
import os
import random
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from soundclr.audio.features import Waveforms
from soundclr.commands import cli
from soundclr.datasets import fetch_dataset, read_index
from soundclr.datasets.csv_dataset import draw_folds
from soundclr.datasets.table import read_table
from soundclr.errors import UserError
from soundclr.params import DatasetSettings, Params, load, read_params
from soundclr.planning import plan
from soundclr.run import runs
from soundclr.run.clips import clips_of
from support.small_copies import write_clip, write_table

SETTINGS: dict[str, Any] = {
    "title": "birds",
    "adapter": "csv",
    "file": "sounds/birds.csv",
    "classes": 2,
    "folds": 2,
    "sample_rate": 8000,
    "samples": 800,
}
# Two recordings of each bird, two clips of each recording; names that only the folder tells apart.
ROWS = [
    ["wren/1a.wav", "wren", 1, "first"],
    ["wren/1b.wav", "wren", 1, "first"],
    ["wren/2a.flac", "wren", 2, "second"],
    ["wren/2b.wav", "wren", 2, "second"],
    ["robin/1a.wav", "great robin", 1, "third"],
    ["robin/1b.wav", "great robin", 1, "third"],
    ["robin/2a.wav", "great robin", 2, "fourth"],
    ["robin/2b.wav", "great robin", 2, "fourth"],
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's root, in which commands run, with the clips and their table."""
    monkeypatch.chdir(tmp_path)
    for number, (path, *_) in enumerate(ROWS):  # no two clips are alike
        write_clip(tmp_path / "sounds" / path, 400 + number, 8000, kind="FLAC" if path.endswith("flac") else "WAV")
    table(["path", "label", "fold", "source"])
    return tmp_path


def table(columns: list[str], rows: list[list[Any]] = ROWS) -> None:
    """Write the table, with these of its columns."""
    names = ["path", "label", "fold", "source"]
    picked = [[row[names.index(column)] for column in columns] for row in rows]
    write_table(Path("sounds/birds.csv"), ",".join(columns), picked)


def fetch(**changes: Any) -> pd.DataFrame:
    settings = DatasetSettings.model_validate({**SETTINGS, **changes})
    return read_index(fetch_dataset("birds", settings, Path("data"), None))


def refusal(**changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch(**changes)
    assert "\n" not in str(caught.value)
    assert not Path("data/birds/index.csv").exists()
    return str(caught.value)


def test_a_table_is_a_dataset(project: Path) -> None:
    index = fetch()
    assert index["clip"].tolist() == sorted(Path(row[0]).with_suffix("").as_posix() for row in ROWS)
    by_clip = index.set_index("clip")
    assert by_clip.loc["wren/2a"].tolist()[:-1] == ["../../sounds/wren/2a.flac", 1, "wren", 2, "second"]
    assert by_clip.loc["robin/1a"].tolist()[:-1] == ["../../sounds/robin/1a.wav", 0, "great robin", 1, "third"]
    assert not list(Path("data").rglob("*.wav"))  # nothing is copied


@pytest.mark.parametrize(
    "where", ["absolute table", "absolute clips", "data elsewhere", "sounds elsewhere", "BOM", "semicolons"]
)
def test_tables_and_clips_may_lie_anywhere(project: Path, where: str) -> None:
    changes: dict[str, Any] = {}
    if where == "absolute table":
        changes["file"] = str(project / "sounds" / "birds.csv")
    elif where == "absolute clips":
        table(["path", "label", "fold"], [[str(project / "sounds" / row[0]), *row[1:]] for row in ROWS])
    elif where == "BOM":
        text = Path("sounds/birds.csv").read_text()
        Path("sounds/birds.csv").write_text(text, encoding="utf-8-sig")
    elif where == "semicolons":
        text = Path("sounds/birds.csv").read_text()
        Path("sounds/birds.csv").write_text("\ufeff" + text.replace(",", ";"))
    else:
        (project / "disk" / "deep").mkdir(parents=True)
        name = where.split()[0]
        if name == "sounds":
            shutil.move("sounds", project / "disk" / "deep" / "sounds")
        else:
            (project / "disk" / "deep" / "data").mkdir()
        Path(name).symlink_to(project / "disk" / "deep" / name)
    assert len(fetch(**changes)) == 8  # read_index finds every clip


def test_without_folds_they_are_drawn_and_sources_stay_whole(project: Path) -> None:
    table(["source", "path", "label"])
    index = fetch()
    assert (index.groupby("source")["fold"].nunique() == 1).all()
    assert set(index.groupby(["label", "fold"]).size()) == {2}
    text = Path("data/birds/index.csv").read_bytes()
    table(["path", "label", "source"], ROWS[::-1])
    fetch()
    assert Path("data/birds/index.csv").read_bytes() == text  # the order of the lines does not matter
    others = []
    for seed in range(1, 9):
        fetch(fold_seed=seed)
        others.append(Path("data/birds/index.csv").read_bytes())
    assert any(other != text for other in others)


def test_without_sources_each_clip_is_its_own(project: Path) -> None:
    table(["path", "label"])
    index = fetch(folds=4)
    assert (index["source"] == index["clip"]).all()
    assert set(index.groupby(["label", "fold"]).size()) == {1}


@pytest.mark.parametrize("seed", range(5))
def test_drawn_folds_are_even(seed: int) -> None:
    """Many sources of many sizes, some with two classes, some classes rare."""
    dice = random.Random(seed)
    labels, sources = [], []
    for source in range(300):
        label = dice.choice([0, 0, 0, 1, 1, 2])
        for _ in range(dice.choice([1, 1, 2, 5])):
            labels.append(label if dice.random() < 0.9 else 3)
            sources.append(f"s{source}")
    folds = draw_folds(labels, sources, 5, seed)
    of_source: dict[str, set[int]] = {}
    for source, fold in zip(sources, folds, strict=True):
        of_source.setdefault(source, set()).add(fold)
    assert all(len(found) == 1 for found in of_source.values())
    count = Counter(zip(labels, folds, strict=True))
    for label, total in Counter(labels).items():
        assert all(abs(count[label, fold] - total / 5) <= max(2, 0.1 * total / 5) for fold in range(1, 6)), label
    assert draw_folds(labels, sources, 5, seed) == folds
    assert draw_folds(labels, sources, 5, seed + 1) != folds


def test_single_clips_are_spread_as_evenly_as_can_be() -> None:
    labels = [0] * 13 + [1] * 7 + [2] * 2
    folds = draw_folds(labels, [str(number) for number in range(22)], 5, 0)
    sizes = [Counter(f for f, g in zip(folds, labels, strict=True) if g == label) for label in range(3)]
    assert [sorted(size.values()) for size in sizes] == [[2, 2, 3, 3, 3], [1, 1, 1, 2, 2], [1, 1]]
    assert sorted(Counter(folds).values()) == [4, 4, 4, 5, 5]


def test_no_class_is_drawn_into_one_fold_alone_where_that_can_be() -> None:
    """Two classes a recording: as a chain the folds can only alternate; as a triangle two of three must share one."""
    chain = [0, 0, 1, 1, 2, 2, 3, 3], list("cbdcdfef")
    assert draw_folds(*chain, 2, 0) == [1, 2, 2, 1, 2, 1, 2, 1]
    triangle = [0, 0, 1, 1, 2, 2], list("abbcca")
    assert set(draw_folds(*triangle, 2, 0)) == {1, 2}
    assert sorted(set(draw_folds(*triangle, 3, 0))) == [1, 2, 3]


@pytest.mark.parametrize("seed", range(40))
def test_small_drawings_are_as_good_as_all_that_there_are(seed: int) -> None:
    dice = random.Random(seed)
    folds = dice.choice([2, 2, 3])
    names = "abcdefg"[: dice.randint(folds, 7)]
    pairs = [
        (label, source) for label in range(6) for source in dice.sample(names, min(len(names), dice.choice([2, 3])))
    ]
    labels, sources = [label for label, _ in pairs], [source for _, source in pairs]
    used = sorted(set(sources))

    def in_one_fold(chosen: dict[str, int]) -> bool:
        placed = Counter(label for label, _ in {(label, chosen[source]) for label, source in pairs})
        return min(placed.values()) == 1 or len(set(chosen.values())) < folds

    drawn = in_one_fold(dict(zip(sources, draw_folds(labels, sources, folds, seed), strict=True)))
    every = itertools.product(range(1, folds + 1), repeat=len(used))
    assert drawn == all(in_one_fold(dict(zip(used, folds_of, strict=True))) for folds_of in every)


def test_drawn_folds_do_not_change_with_versions() -> None:
    assert draw_folds([0, 0, 0, 0, 1, 1, 1, 1], list("abcdefgh"), 2, 0) == [1, 2, 1, 2, 1, 2, 2, 1]
    dice = random.Random(0)
    labels = [min(dice.randrange(60), dice.randrange(60)) for _ in range(2000)]
    folds = draw_folds(labels, [f"s{dice.randrange(700)}" for _ in labels], 5, 0)
    assert (
        hashlib.sha256(bytes(folds)).hexdigest() == "44c2fea7187d4ddddc4d8207f7c2775778ea2603926ed7324cb03fad0e9bc020"
    )


def test_many_sources_of_many_classes_take_little_memory() -> None:
    """A source has few of the classes: a row of all of them for each source would be 400 MB here."""
    tracemalloc.start()
    try:
        folds = draw_folds([number % 10_000 for number in range(5000)] + [9999], [*map(str, range(5000)), "0"], 5, 0)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert len(folds) == 5001 and folds[0] == folds[-1]


def spoil(old: str, new: str) -> None:
    path = Path("sounds/birds.csv")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "path,label",
            "file,label",
            "birds.csv: lacks the column `path`; its columns must be path,label and may be fold,source",
        ),
        ("fold,source", "fold,station", "has the column `station`"),
        ("fold,source", "fold,fold", "has more than once `fold`"),
        ("path,label", "path;label", "lacks the column `path`"),
        ("wren/1b.wav", "wren/1c.wav", "birds.csv, line 3: the file "),
        ("wren/1b.wav", "", "line 3: the file "),
        ("wren/1b.wav", "wren", "sounds/wren is a folder, not a sound file"),
        (
            "wren/1b.wav",
            '"wren/1\rb.wav"',
            "line 4: 'wren/1\\rb.wav' has a carriage return, which no table can contain",
        ),
        ("wren/1b.wav", "x" * 5000, "line 3: the file "),
        ("wren/1b.wav", "wren/../wren/1a.wav", "line 3: wren/1a is listed twice, first in sounds/birds.csv, line 2"),
        ("wren,1", "Wren,1", "has 3 classes ('Wren', 'great robin', 'wren'); its `classes` is 2"),
        ("wren,1", ",1", "line 2: `label` is '', which is empty"),
        ("wren,1", "wren ,1", "line 2: `label` is 'wren ', which is empty or has superfluous spaces"),
        ("wren,1", "wr\x07en,1", "line 2: `label` is 'wr\\x07en', which is a text with control characters"),
        ("wren,1", "epoch,1", "line 2: `label` is 'epoch', which is another column's name"),
        ("wren,1", "wren,", "line 2: `fold` is '', not a whole number from 1 on"),
        ("wren,1", "wren,0", "line 2: `fold` is '0'"),
        ("wren,1", "wren,1.0", "line 2: `fold` is '1.0'"),
        ("wren,1", "wren,²", "line 2: `fold` is '²'"),
        ("wren,1", "wren,3", "dataset birds: clip wren/1a has fold 3; its settings have folds 1 to 2"),
        ("wren,1,first", "wren,1", "line 2: has 3 values for 4 columns"),
        ("wren,1,first", 'wren,1,"first', "cannot be read as a CSV table"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(project: Path, old: str, new: str, message: str) -> None:
    spoil(old, new)
    assert message in refusal()


def test_other_mistakes(project: Path) -> None:
    assert "no clip has fold 3; its settings have folds 1 to 3, and the clips have 1, 2" in refusal(folds=3)
    assert "have no `file`" in refusal(file=None)
    assert "sounds/bird.csv: is missing; it is the table of your sounds" in refusal(file="sounds/bird.csv")
    assert "sounds: cannot be read (Is a directory)" in refusal(file="sounds")
    assert "found 8 clips; its `clips` is 9" in refusal(clips=9)
    table(["path", "label", "source"])
    assert "has 4 sources, too few for 5 folds" in refusal(folds=5)
    table(["path", "label", "source"], [[*row[:3], "one"] if row[1] == "wren" else row for row in ROWS])
    assert "all clips of wren have one source" in refusal()
    Path("sounds/wren/1b.wav").write_bytes(b"no audio")
    table(["path", "label"])
    assert "sounds/wren/1b.wav: is no WAV, FLAC, Ogg or MP3 file" in refusal()


@pytest.mark.parametrize("mark", [",", ";"])
def test_rows_and_columns_that_a_spreadsheet_left_empty_are_none(project: Path, repo: Path, mark: str) -> None:
    """In the table's hash they count, in the plan they are no clips."""
    expected = fetch()
    lines = Path("sounds/birds.csv").read_text().replace(",", mark).splitlines()
    rows = [f"{line}{mark * 2}" for line in lines]
    Path("sounds/birds.csv").write_text("\n".join([*rows[:3], mark * 5, *rows[3:], mark * 3, " ", ""]))
    pd.testing.assert_frame_equal(fetch(), expected)
    content = read_params(repo / "params.yaml")
    content["datasets"]["birds"] = SETTINGS
    assert clips_of(Params.model_validate(content), "birds") == len(expected)


def test_all_clips_that_cannot_be_read_are_named_at_once(project: Path) -> None:
    Path("sounds/wren/1b.wav").write_bytes(b"no audio")
    Path("sounds/robin/2b.wav").write_bytes(b"")
    Path("sounds/robin/1a.wav").unlink()
    said = refusal()
    assert "sounds/wren/1b.wav: is no WAV" in said
    assert f"; 2 more clips cannot be read: {project}/sounds/robin/1a.wav, {project}/sounds/robin/2b.wav" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("m\u00e9sange", "me\u0301sange", "the labels 'me\\u0301sange' and 'm\\xe9sange' look the same but differ"),
        ("wren", "wren\u200b", "the labels 'wren' and 'wren\\u200b' look the same but differ"),
        ("\u1112\u1161\u11ab", "\ud55c", "look the same but differ"),
        ("wren", "Wren", None),
        ("great tit", "great_tit", None),
        ("m\u00b2", "m2", None),
        ("wren", "wrens", ""),
    ],
)
@pytest.mark.parametrize("column", ["label", "source"])
def test_labels_and_sources_that_look_alike(
    project: Path, capsys: pytest.CaptureFixture[str], column: str, old: str, new: str, message: str | None
) -> None:
    """Values that nobody could intend as two are refused; others raise a warning."""
    names = [old, old, new, new, "robin", "robin", "robin", "robin"]
    place = ["path", "label", "fold", "source"].index(column)
    rows = [[*row[:place], name, *row[place + 1 :]] for row, name in zip(ROWS, names, strict=True)]
    table(["path", "label", "fold", "source"], rows)
    classes = 3 if column == "label" else 2
    if message:
        assert message.replace("labels", f"{column}s") in refusal(classes=classes)
        return
    fetch(classes=classes)
    said = [line for line in capsys.readouterr().err.splitlines() if "nearly the same, but count as two" in line]
    assert len(said) == (message is None)
    assert not said or f"the {column}s {max(old, new)!r}" in said[0] or f"the {column}s {min(old, new)!r}" in said[0]


def test_sources_in_several_folds_raise_a_warning(project: Path, capsys: pytest.CaptureFixture) -> None:
    fetch()
    assert "warning" not in capsys.readouterr().err
    table(["path", "label", "fold", "source"], [[*row[:3], "one\n" if row[1] == "wren" else row[3]] for row in ROWS])
    assert len(fetch()) == 8
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "warning" in line] == [
        "soundclr: warning: sounds/birds.csv: source 'one\\n' is in folds 1, 2; test clips resemble training clips, "
        "so accuracy may be too high"
    ]
    table(["path", "label", "fold", "source"], [[*row[:3], row[1]] for row in ROWS])
    fetch()
    assert "source 'great robin' is in folds 1, 2, and 1 more sources are in several; " in capsys.readouterr().err


def test_a_class_without_training_clips_raises_a_warning(
    project: Path, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the fetch and, from the table, before it: class and fold."""
    fetch()
    assert "nothing to learn" not in capsys.readouterr().err
    table(["path", "label", "fold"], [[*row[:2], 1 if row[1] == "wren" else row[2]] for row in ROWS])
    said = "class 'wren' has no clip to learn from where fold 1 is held out, so held-out clips of it cannot be right"
    content = read_params(repo / "params.yaml")
    content["datasets"]["birds"], content["studies"]["own"]["datasets"] = {**SETTINGS, "file": "birds.csv"}, ["birds"]
    shutil.copy("sounds/birds.csv", "birds.csv")
    params = Params.model_validate(content)
    (line,) = (line for line in plan.warnings(params, "own") if line.endswith(said))
    assert line.startswith("audio_network, hybrid, baseline_statistics, baseline_untrained on birds, class")
    fetch()
    assert f"soundclr: warning: dataset birds: {said}\n" in capsys.readouterr().err
    Path("birds.csv").write_text("path;label\n" + "".join(f"{n}.wav;{n % 2}\n" for n in range(4)))
    assert not [line for line in plan.warnings(Params.model_validate(content), "own") if "learn from" in line]


@pytest.mark.slow
def test_a_table_that_is_no_file_is_not_waited_for(repo: Path, project: Path) -> None:
    content = read_params(repo / "params.yaml")
    content["datasets"]["birds"] = SETTINGS
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert cli.main(["fetch", "birds"]) == 0
    Path("sounds/birds.csv").unlink()
    os.mkfifo("sounds/birds.csv")
    for verb in ("features", "fetch"):
        command = [sys.executable, "-m", "soundclr", verb, "birds"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1 and "birds.csv: cannot be read (Is not a regular file)" in done.stderr
    with pytest.raises(UserError, match=r"birds\.csv: cannot be read \(Is not a regular file\)"):
        read_table(Path("sounds/birds.csv"), ["path"])


def test_the_table_counts_in_the_hash(repo: Path, project: Path) -> None:
    content = read_params(repo / "params.yaml")

    def key(**changes: Any) -> str:
        changed = copy.deepcopy(content)
        changed["datasets"]["birds"] = {**SETTINGS, **changes}
        return runs.dataset_hash(Params.model_validate(changed), "birds")

    before = key()
    assert key(fold_seed=0) == before != key(fold_seed=1)
    shutil.copy("sounds/birds.csv", "moved.csv")
    assert key(file="moved.csv") == before
    spoil("wren,1", "wren,2")
    assert key() != before
    Path("sounds/birds.csv").unlink()
    with pytest.raises(UserError, match=r"sounds/birds.csv: is missing; it is the table of your sounds"):
        key()
    with pytest.raises(UserError, match="sounds: cannot be read"):
        key(file="sounds")


@pytest.mark.slow
def test_the_command_line(repo: Path, project: Path) -> None:
    content = read_params(repo / "params.yaml")
    content["datasets"]["birds"] = {**SETTINGS, "sample_rate": 16000}
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert cli.main(["fetch", "birds"]) == 0
    assert cli.main(["features", "birds", "--threads", "1"]) == 0
    clips = Waveforms.load(runs.features_path(load(Path("params.yaml")), "birds"))
    assert clips.clips[0] == "robin/1a" and clips.classes == ("great robin", "wren")
    assert clips.labels.tolist() == [0] * 4 + [1] * 4 and clips.folds.tolist() == [1, 1, 2, 2] * 2
    frames = {path.split(".")[0]: 400 + number for number, (path, *_) in enumerate(ROWS)}
    assert clips.offsets.diff().tolist() == [2 * frames[clip] for clip in clips.clips]
