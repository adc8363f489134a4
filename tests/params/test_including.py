"""params.yaml in several files, and studies that build on others."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import read_params
from support.real_params import CONTENT, REPO, changed


def write(folder: Path, **files: Any) -> Path:
    """params.yaml and what it includes, by their names without suffix; text is written as it is."""
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / "params.yaml"


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_checked(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_are_one(tmp_path: Path) -> None:
    whole = changed()
    losses = {"losses": {"nt_xent": whole["defaults"]["losses"].pop("nt_xent")}}
    parts = {key: whole.pop(key) for key in ("datasets", "weights")}
    path = write(tmp_path, params=whole | {"include": ["a.yaml", "b.yaml"]}, a=parts, b={"defaults": losses})
    content = read_params(path)
    assert content == CONTENT
    assert list(content["defaults"]["losses"]) == list(CONTENT["defaults"]["losses"])
    assert load_checked(path).studies.keys() == CONTENT["studies"].keys()


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"recipes": {"hybrid": {"title": "x"}}}, "recipes.hybrid is also in {params}; a name may be in one file only"),
        ({"defaults": {"losses": {"supcon": {}}}}, "defaults.losses.supcon is also in {params}"),
        ({"defaults": {"encoder": "small"}}, "defaults.encoder is also in {params}"),
        ({"study": "demo"}, "unknown key in {part}, which {params} includes: 'study'; did you mean 'studies'?"),
        ({"include": ["c.yaml"]}, "unknown key in {part}, which {params} includes: 'include'"),
        ({"recipes": None}, "{part}: recipes: expected a mapping, found nothing"),
        ({"defaults": {"losses": ["supcon"]}}, "{part}: defaults.losses: expected a mapping, found ['supcon']"),
        (["recipes"], "{part}: expected a mapping"),
        ("recipes: [", "{part}: not valid YAML"),
        (None, "{part}: expected a mapping"),
    ],
)
def test_what_an_included_file_may_not_have(tmp_path: Path, part: Any, says: str) -> None:
    path = write(tmp_path, params=changed() | {"include": ["a.yaml"]}, a=part)
    assert says.format(params=path, part=tmp_path / "a.yaml") in refusal(path)


@pytest.mark.parametrize("found", [None, [], "adamw"])
def test_a_block_without_names_is_not_filled_by_an_included_file(tmp_path: Path, found: Any) -> None:
    whole = changed(("defaults.optimizers", found))
    path = write(tmp_path, params=whole | {"include": ["a.yaml"]}, a={"defaults": {"optimizers": {"adam": {}}}})
    named = "nothing" if found is None else repr(found)
    assert refusal(path) == f"{path}: defaults.optimizers: expected a mapping, found {named}"


def test_a_name_in_two_included_files(tmp_path: Path) -> None:
    recipe = {"recipes": {"mine": {"title": "mine", "base": "hybrid"}}}
    path = write(tmp_path, params=changed() | {"include": ["a.yaml", "b.yaml"]}, a=recipe, b=recipe)
    assert (
        refusal(path)
        == f"{tmp_path / 'b.yaml'}: recipes.mine is also in {tmp_path / 'a.yaml'}; a name may be in one file only"
    )


@pytest.mark.parametrize(
    ("include", "says"),
    [
        (["none.yaml"], "none.yaml: is missing; correct `include` in "),
        (["params.yaml"], "params.yaml: includes itself; correct `include` in "),
        ("a.yaml", "include: expected a list of files"),
        ([1], "[1]"),
    ],
)
def test_files_that_cannot_be_included(tmp_path: Path, include: Any, says: str) -> None:
    assert says in refusal(write(tmp_path, params=changed() | {"include": include}))


def test_settings_of_a_study_override_those_of_its_base(loaded: Any) -> None:
    own = {"base": "esc10", "title": "mine", "settings": {"training": {"lr": 0.5}}}
    study = {key: CONTENT["studies"]["esc10"][key] for key in ("datasets", "recipes", "seeds")}
    params = loaded(changed(("studies.mine", {**study, **own}), ("studies.yours", {**study, **own, "base": "mine"})))
    for name in ("mine", "yours"):
        ours, base = params.studies[name], params.studies["esc10"]
        assert ours.note == base.note and ours.evaluate == () and ours.artefacts == {}
        theirs = base.settings["training"] | {"lr": 0.5}
        assert ours.settings == base.settings | {"training": theirs}


@pytest.mark.parametrize(
    ("base", "says"),
    [("esc1", "did you mean 'esc10'"), ("mine", "builds on itself, through mine"), (["esc10"], "unknown study")],
)
def test_a_base_that_there_is_not(loaded: Any, base: Any, says: str) -> None:
    study = {**CONTENT["studies"]["esc10"], "base": base}
    with pytest.raises(UserError, match=says):
        loaded(changed(("studies.mine", study)))


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"recipes": {"mine": {"title": 3}}}, "recipes.mine.title: Input should be text, found 3"),
        ({"recipes": {"mine": {"title": "x", "base": "hybird"}}}, "recipes.mine.base: 'hybird'; did you mean"),
        ({"recipes": {"mine": {"title": "x", "settings": {"labels": 2}}}}, "recipes.mine.settings.labels: Input "),
        ({"studies": {"mine": {"base": "esc1"}}}, "studies.mine.base: 'esc1'; did you mean"),
        ({"studies": {"mine": CONTENT["studies"]["demo"] | {"seeds": [0, 0]}}}, "studies.mine.seeds: 0 is listed"),
        ({"studies": {"mine": {"base": "demo", "title": "x", "setings": {}}}}, "studies.mine.setings: 'setings'"),
        ({"studies": {"bad": None}}, "studies.bad: Input should be a mapping, found nothing"),
        ({"grids": {"bad": None}}, "grids.bad: Input should be a mapping, found nothing"),
        (
            {"recipes": {"mine": {"title": "x", "base": "b"}, "b": {"title": "x", "base": "mine"}}},
            "recipes.mine: builds",
        ),
        ({"defaults": {"losses": {"triplet": {}}}}, "defaults.losses.triplet: 'triplet'"),
        ({"datasets": {"mine": {"title": "x"}}}, "datasets.mine.adapter: is missing"),
    ],
)
def test_a_mistake_is_said_to_be_in_the_file_that_has_it(tmp_path: Path, block: Any, says: str) -> None:
    mine = changed()["studies"]["demo"] | {"recipes": ["mine"], "title": "x"}
    studies = {"studies": {"uses": mine}} if "recipes" in block else {}
    path = write(tmp_path, params=changed() | {"include": ["a.yaml"]}, a=studies | block)
    assert f"{tmp_path / 'a.yaml'}: {says}" in refusal(path)


def test_a_base_comes_before_the_studies_that_build_on_it() -> None:
    """A mistake in a base's settings is named at the first study that has them."""
    first = yaml.safe_load((REPO / "params.yaml").read_text())
    files = [first, *(yaml.safe_load((REPO / file).read_text()) for file in first["include"])]
    studies = {name: study for file in files for name, study in file.get("studies", {}).items()}
    names = list(studies)
    bases = {name: study["base"] for name, study in studies.items() if "base" in study}
    assert bases and all(names.index(base) < names.index(name) for name, base in bases.items())
