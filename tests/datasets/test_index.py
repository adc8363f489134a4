"""Reading and writing an index."""

from pathlib import Path

import pytest

from soundclr.datasets.index import COLUMNS, IndexRow, identical_clips, read_index, write_index
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.run.index_record import MADE_OF, write_made_of

ROWS = [
    IndexRow("2-20-A", "audio/2-20-A.ogg", 0, "rain", 2, "20"),
    IndexRow("1-10-A", "audio/1, 10 A.ogg", 1, "sea_waves", 1, "007"),
]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    for row in ROWS:
        (tmp_path / row.path).write_text(row.clip)
    write_index(tmp_path / "index.csv", ROWS, "made by hand")
    return tmp_path / "index.csv"


def test_what_is_written_is_read(index: Path) -> None:
    table = read_index(index)
    assert list(table.columns) == COLUMNS
    assert table.values.tolist() == [[*row, sha256_of_file(index.parent / row.path)] for row in sorted(ROWS)]
    assert table["label"].dtype == table["fold"].dtype == "int64"


def test_identical_clips_are_counted_and_named(tmp_path: Path) -> None:
    """Three of one fold and class, two in two folds, two with two labels, and one of its own."""
    rows = []
    for place, (label, fold, content) in enumerate(
        [(0, 1, "a"), (0, 1, "a"), (0, 1, "a"), (1, 1, "b"), (1, 2, "b"), (0, 2, "c"), (1, 2, "c"), (0, 2, "d")]
    ):
        (tmp_path / f"{place}.wav").write_text(content)
        rows.append(IndexRow(f"{place}", f"{place}.wav", label, "ab"[label], fold, "s"))
    write_index(tmp_path / "index.csv", rows, "made by hand")
    counts = {"groups": 3, "clips": 7, "across_folds": 1, "across_classes": 1}
    names = [["0", "1", "2"], ["3", "4"], ["5", "6"]]
    assert identical_clips(read_index(tmp_path / "index.csv")) == {**counts, "names": names}


def test_no_identical_clips(index: Path) -> None:
    assert set(identical_clips(read_index(index)).values()) == {0}


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("clip,path", "clip,file", "the columns are clip,file"),
        ("2-20-A,", "1-10-A,", "clip 1-10-A is listed more than once"),
        (",0,rain,", ",2,rain,", "no clip has label 0, but labels go up to 2"),
        (",0,rain,", ",1.5,rain,", r"line 3: `label` of clip 2-20-A is '1\.5'"),
        (",0,rain,", ",-1,rain,", "line 3: `label` of clip 2-20-A is '-1'"),
        (",0,rain,", ",,rain,", "line 3: `label` of clip 2-20-A is ''"),
        (",0,rain,", ",1,rain,", r"label 1 has more than one class: \['sea_waves', 'rain'\]"),
        (",0,rain,", ",0,sea_waves,", r"class sea_waves has more than one label: \[0, 1\]"),
        (",0,rain,", ",0,,", "line 3: `class` is empty"),
        (",007,", ",007,x", "line 2: `sha256` of clip 1-10-A is not a SHA-256"),
        (",1,007", ",0,007", "line 2: `fold` of clip 1-10-A is '0', not a whole number from 1 on"),
        ("audio/2-20-A.ogg", "audio/2-20-B.ogg", "clip 2-20-A is missing: no file .*2-20-B.ogg"),
    ],
)
def test_mistake_is_named(index: Path, old: str, new: str, message: str) -> None:
    text = index.read_text()
    assert text.count(old) == 1
    write_text(index, text.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        read_index(index)
    assert "\n" not in str(caught.value)


def write_text(index: Path, text: str) -> None:
    """An index with that text, which its record names."""
    index.write_text(text)
    write_made_of(index, "made by hand", text.encode())


@pytest.mark.parametrize("text", [None, "", ",".join(COLUMNS) + "\n", 'clip,path\n"a,b\n'])
def test_no_index_at_all(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write_text(tmp_path / "index.csv", text)
    with pytest.raises(UserError, match=r"index\.csv: (is missing|cannot be read|the index has no clips)"):
        read_index(tmp_path / "index.csv")


@pytest.mark.parametrize("spoil", ["cut at a line end", "edited", "no record", "edited record", "record cut short"])
def test_an_index_that_its_record_does_not_name_is_refused(index: Path, spoil: str) -> None:
    record = index.with_name(MADE_OF)
    if spoil == "cut at a line end":
        index.write_text("".join(index.read_text().splitlines(keepends=True)[:-1]))
    elif spoil == "edited":
        index.write_text(index.read_text().replace("1,007", "2,007"))
    elif spoil == "no record":
        record.unlink()
    elif spoil == "edited record":
        record.write_text(record.read_text().replace("made by hand", "made by me"))
    else:
        record.write_text(record.read_text()[:50])
    with pytest.raises(UserError, match=f"run `soundclr fetch {index.parent.name}`") as caught:
        read_index(index)
    assert "\n" not in str(caught.value)
