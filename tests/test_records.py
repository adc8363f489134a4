"""Records carry the hash of their contents, and name the version of the code that decides numbers."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from soundclr.errors import UserError
from soundclr.machine import provenance
from soundclr.machine.files import sha256_of_file
from soundclr.run import records
from soundclr.run.records import Accuracies, Clips, Metrics, StartUsed
from soundclr.run.runs import Run

CONTENT = {"a": 1, "b": [1.5, None, "x"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    records.write_record(tmp_path / "record.json", CONTENT)
    return tmp_path / "record.json"


def test_what_is_written_is_read(path: Path) -> None:
    content = records.read_record(path, "do this")
    assert len(content.pop("checksum")) == 64
    assert content == CONTENT


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.5", "1.25", "changed after it was written"),
        ('"a": 1,', "", "changed after it was written"),
        ("}", "", "cannot be read as JSON"),
    ],
)
def test_a_change_is_one_line_with_the_remedy(path: Path, old: str, new: str, message: str) -> None:
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"record\.json: .*{message}.*; do this") as error:
        records.read_record(path, "do this")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, "[]", "3", ""])
def test_what_is_no_record(path: Path, content: str | None) -> None:
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=r"record\.json: .*; do this"):
        records.read_record(path, "do this")


def test_the_version_of_the_code_is_that_of_what_decides_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [source for source in provenance.NUMERIC_SOURCES if source.endswith(".py")]
    for name in ("audio/crop.py", "report/page.py", "datasets/us8k.py", *files):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "machine/provenance.py"))

    def version() -> str:
        provenance.code_version.cache_clear()
        return provenance.code_version()

    try:
        before = version()
        for change in ("report/page.py", "datasets/us8k.py"):
            (tmp_path / change).write_text("2")
        assert version() == before
        seen = {before}
        for change in ("audio/crop.py", "losses.py"):
            (tmp_path / change).write_text("2")
            seen.add(version())
        (tmp_path / "audio/crop.py").rename(tmp_path / "audio/other.py")
        assert len(seen | {version()}) == 4
    finally:
        provenance.code_version.cache_clear()


def test_every_numeric_source_is_there() -> None:
    top = Path(provenance.__file__).parents[1]
    assert all((top / source).exists() for source in provenance.NUMERIC_SOURCES)


RUN = Run("toy", "toy", "hybrid", "0123456789ab", 1, 0)


def metrics(folder: Path) -> Path:
    """A metrics.json and its table, as a job writes them."""
    (folder / "history.csv").write_text("stage\n")
    path = folder / "metrics.json"
    Metrics(
        **RUN.coordinates,
        settings={},
        index_sha256="0" * 64,
        features_sha256="1" * 64,
        model_sha256="2" * 64,
        device="a CPU",
        precision="float32",
        files={"history.csv": sha256_of_file(folder / "history.csv")},
        accuracy=Accuracies(best_epoch=0.75, last_epoch=0.5),
        best_epoch=1,
        epochs=2,
        stopped_early=False,
        clips=Clips(train=8, test=4),
        classes=("a", "b"),
        dataset_hash="3" * 64,
        start=StartUsed(name="none", sha256=None),
        duration_seconds=1.5,
        clips_per_second=10,
        code=("4" * 12,),
        **provenance.made_with(),
    ).write(path)
    return path


def test_one_class_writes_and_reads(tmp_path: Path) -> None:
    record = Metrics.read(metrics(tmp_path), RUN)
    assert (record.accuracy.last_epoch, record.clips.validation, record.classes) == (0.5, None, ("a", "b"))
    record.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "metrics.json").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fold": 2}, "has fold 2, but its path has 1"),
        ({"recipe_hash": "0" * 12}, "has recipe_hash '000000000000', but its path has '0123456789ab'"),
        ({"format": 2}, "has format 2, not 3"),
        ({"accuracy": {"best_epoch": 1.5, "last_epoch": 0.5}}, "accuracy.best_epoch: Input should be less than"),
        ({"epochs": 0}, "epochs: Input should be greater than"),
        ({"code": []}, "code: "),
        ({"files": {"history.csv": "0" * 64}}, "history.csv: has SHA-256 .*, but the record beside it has 0000"),
        ({"files": {"gone.csv": "0" * 64}}, "gone.csv: missing, although the record beside it"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Sealed all the same, as another version or another run's would be."""
    path = metrics(tmp_path)
    content = records.read_record(path, "do this")
    del content["checksum"]
    records.write_record(path, content | changes)
    with pytest.raises(UserError, match=message) as error:
        Metrics.read(path, RUN)
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_other_parts_of_a_path_are_checked_too(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has seed 0, but its path has 1"):
        Metrics.read(metrics(tmp_path), dataclasses.replace(RUN, seed=1))
    with pytest.raises(UserError, match="has key None, but its path has 'x'"):
        Metrics.read(metrics(tmp_path), RUN, key="x")
