"""Records carry the hash of their contents, and name the version of the code that decides numbers."""

from pathlib import Path

import pytest

from soundclr import provenance, records
from soundclr.errors import UserError

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
    files = [room for room in provenance.ROOMS if room.endswith(".py")]
    for name in ("audio/crop.py", "report/page.py", "records.py", *files):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))

    def version() -> str:
        provenance.code_version.cache_clear()
        return provenance.code_version()

    try:
        before = version()
        (tmp_path / "report/page.py").write_text("2")
        assert version() == before
        seen = {before}
        for change in ("audio/crop.py", "losses.py"):
            (tmp_path / change).write_text("2")
            seen.add(version())
        (tmp_path / "audio/crop.py").rename(tmp_path / "audio/other.py")
        assert len(seen | {version()}) == 4
    finally:
        provenance.code_version.cache_clear()


def test_every_room_is_there() -> None:
    top = Path(provenance.__file__).parent
    assert all((top / room).exists() for room in provenance.ROOMS)
