"""A params.yaml that is not one, or not YAML, or cannot be read, is one line."""

import os
import time

import pytest

from soundclr.errors import UserError
from soundclr.machine.yaml_file import read_yaml
from soundclr.method import load_checked
from support.real_params import TEXT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("- a\n- b\n", "expected a mapping"),
        ("just words", "expected a mapping"),
        ("a: [1, 2", "not valid YAML"),
        ("a: 1\n\tb: 2", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("a: *nowhere", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("? [a]\n: 1", "not valid YAML"),
        ("a: 2026-13-45", "not valid YAML"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: " + "[" * 400, "not valid YAML"),
        ("a: &a [*a]", ""),
        ("1: 2", ""),
        (TEXT + "\nstudy: demo\n", "duplicate key 'study'"),
        (TEXT.replace("supcon: 0.5}", "supcon: 0.5, supcon: 0.25}"), "duplicate key 'supcon'"),
        (TEXT + "\nrecipes: {}\n", "duplicate key 'recipes'"),
        (TEXT.replace("title: own sounds", 'title: "\\ud83d"'), "not valid YAML"),
    ],
)
def test_text_that_is_no_parameters(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_checked(path)
    assert str(path) in str(error.value) and message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / "params.yaml"
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read \(.*Is not a regular file"):
        load_checked(path)


def levels(number, line):
    """YAML text of ``number`` levels; each holds the one before ten times."""
    return "a0: &a0 {b: 1}\n" + "".join(line(n) for n in range(1, number + 1))


@pytest.mark.parametrize(
    "text",
    [
        levels(9, lambda n: f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"),
        levels(400, lambda n: f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"),
        levels(9, lambda n: f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n"),
        "a: &a {b: [*a]}\n",
    ],
)
def test_a_flood_of_aliases_is_refused_at_once(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text + TEXT, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(UserError, match="more than 100000 values with expanded aliases") as error:
        load_checked(path)
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 20


def test_a_file_too_large_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: " + "x" * 1_000_000, encoding="utf-8")
    with pytest.raises(UserError, match="too many for a file of parameters"):
        load_checked(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match=r"is missing; run the command in the repository's folder, or .* --params"):
        load_checked(tmp_path / "params.yaml")


@pytest.mark.parametrize("kind", ["folder", "bytes"])
def test_a_file_that_cannot_be_read(tmp_path, kind):
    path = tmp_path / "params.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00study")
    with pytest.raises(UserError, match=r"params\.yaml: (cannot be read|is not text in UTF-8)") as error:
        load_checked(path)
    assert "\n" not in str(error.value)


def test_merge_keys_of_yaml_are_no_duplicates(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        TEXT.replace("  demo:\n    title: the", "  demo: &demo\n    title: the") + "  third: {<<: *demo, seeds: [3]}\n"
    )
    assert load_checked(path).get_study("third").seeds == (3,)


@pytest.mark.parametrize("text", ["[" * 900_000, "- " * 400_000, "{a: " * 200_000], ids=["lists", "items", "mappings"])
def test_a_nest_that_libyaml_would_fall_into_is_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match="more than 100 levels of lists and mappings") as error:
        read_yaml(tmp_path / "params.yaml")
    assert "\n" not in str(error.value)
