"""Files are whole or absent, and hashes are of contents."""

import hashlib
import json
import math

import pytest

from soundclr.errors import UserError
from soundclr.files import atomic_path, read_json, sha256_of_file, sha256_of_json, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_makes_folders_and_leaves_one_file(tmp_path):
    path = tmp_path / "a" / "b" / "model.pt"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent and temporary != path
        assert temporary.suffix == ".pt"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["model.pt"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_when_the_writer_fails(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_text_keeps_its_characters_and_line_ends(tmp_path):
    write_text(tmp_path / "x", "± ×\r\n→\n")
    assert (tmp_path / "x").read_bytes() == "± ×\r\n→\n".encode()


def test_json_round_trip(tmp_path):
    value = {"b": [1, 2.5, None, True], "a": "é±"}
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "x.json") == value
    assert text.index('"b"') < text.index('"a"') and "é±" in text and text.endswith("}\n")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_has_not_is_not_written(tmp_path, value):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"loss": value})
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe{}", b"[1,]"])
def test_an_unreadable_json_file_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"metrics\.json: cannot be read as JSON") as error:
        read_json(path)
    assert "\n" not in str(error.value)


def test_sha256_of_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert sha256_of_file(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_sha256_of_json_is_of_the_value_and_not_of_its_spelling():
    value = {"b": 1, "a": [1.5, {"d": None, "c": "é"}]}
    assert sha256_of_json(value) == sha256_of_json(json.loads(json.dumps(dict(reversed(value.items())), indent=3)))
    assert sha256_of_json(value) != sha256_of_json({**value, "b": 2})
    assert sha256_of_json([1, 2]) != sha256_of_json([2, 1])
    assert sha256_of_json({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()
