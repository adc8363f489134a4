"""pyproject.toml, environment.yml and requirements.lock name the same versions."""

import re
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

FILES = ("pyproject.toml", "environment.yml", "requirements.lock")


def exact_versions(requirements: Iterable[str], where: str) -> dict[str, str]:
    """Return the version of each requirement by canonical name; fail on one that is not ``name==version``."""
    versions = {}
    for text in requirements:
        match = re.fullmatch(r"==([^*,]+)", str(Requirement(text).specifier))
        assert match, f"{where}: {text} has no exact version"
        versions[canonicalize_name(Requirement(text).name)] = match[1]
    return versions


def disagreements(root: Path) -> list[str]:
    """Return one line for each way in which the three files in ``root`` disagree."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    direct = exact_versions([*project["dependencies"], *extras["test"]], "pyproject.toml")
    several = exact_versions(
        [*extras["export"], *extras["parquet"], *extras["tensorboard"], *extras["timm"]], "pyproject.toml"
    )
    lock_lines = (root / "requirements.lock").read_text().splitlines()
    locked = exact_versions([line for line in lock_lines if line and not line.startswith("#")], "requirements.lock")
    conda, pip = conda_and_pip((root / "environment.yml").read_text())
    listed = exact_versions([line for line in pip if not line.startswith("-")], "environment.yml")

    lines = [
        f"{name}: {version} in an extra, {direct.get(name)} in test"
        for name, version in several.items()
        if direct.get(name) != version
    ]
    lines += [
        f"{name}: pyproject.toml {direct.get(name)}, environment.yml {listed.get(name)}"
        for name in sorted(direct.keys() | listed.keys())
        if direct.get(name) != listed.get(name)
    ]
    lines += [
        f"{name}: pyproject.toml {version}, requirements.lock {locked.get(name)}"
        for name, version in direct.items()
        if locked.get(name) != version
    ]
    if conda["python"] not in SpecifierSet(project["requires-python"]):
        lines.append(f"python: pyproject.toml {project['requires-python']}, environment.yml {conda['python']}")
    if "-c requirements.lock" not in pip:
        lines.append("environment.yml does not use requirements.lock")
    return lines


def conda_and_pip(environment: str) -> tuple[dict[str, str], list[str]]:
    """Return conda's own packages with their versions ("" for any), and the lines of the pip section."""
    dependencies = yaml.safe_load(environment)["dependencies"]
    conda = dict((*entry.split("="), "")[:2] for entry in dependencies if isinstance(entry, str))
    (pip,) = (entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return conda, pip


def test_the_three_files_agree(repo: Path) -> None:
    assert disagreements(repo) == []


@pytest.mark.parametrize(
    ("file", "pattern", "new", "named"),
    [
        ("environment.yml", "- torch==.*", "- torch==1.0", "torch"),
        ("environment.yml", "- dvc==.*", "", "dvc"),
        ("environment.yml", "- -e .", "- numba==1.17.1", "numba"),
        ("environment.yml", "- python=.*", "- python=3.13", "python"),
        ("environment.yml", "- -c requirements.lock", "- --pre", "requirements.lock"),
        ("pyproject.toml", '"ruff==', '"ruff==1', "ruff"),
        ("pyproject.toml", "requires-python = .*", 'requires-python = ">=3.11,<3.12"', "python"),
        ("requirements.lock", "(?m)^pandas==", "pandas==1", "pandas"),
        ("requirements.lock", "(?m)^snakemake==.*", "", "snakemake"),
    ],
)
def test_a_change_of_one_file_is_named(
    repo: Path, tmp_path: Path, file: str, pattern: str, new: str, named: str
) -> None:
    for name in FILES:
        shutil.copy(repo / name, tmp_path)
    text, changes = re.subn(pattern, new, (tmp_path / file).read_text())
    assert changes == 1
    (tmp_path / file).write_text(text)

    found = disagreements(tmp_path)

    assert found
    assert all(named in line for line in found)


def test_the_site_s_lock_file_has_its_group_and_the_versions_of_the_other(repo: Path) -> None:
    site, every = ((repo / name).read_text().splitlines() for name in ("site.lock", "requirements.lock"))
    locked, others = (exact_versions([line for line in lines if line[:1] != "#"], "") for lines in (site, every))
    groups = tomllib.loads((repo / "pyproject.toml").read_text())["dependency-groups"]
    assert {"include-group": "report"} in groups["site"] and "torch" not in locked
    direct = exact_versions([one for one in groups["site"] if isinstance(one, str)], "pyproject.toml")
    assert direct.items() <= locked.items() and set(groups["report"]) <= locked.keys()
    assert {name: others[name] for name in locked if name in others} == {
        name: version for name, version in locked.items() if name in others
    }


def test_a_version_that_is_not_exact_is_refused() -> None:
    for text in ("torch", "torch>=2.11", "torch==2.11.*", "torch==2.11.0,<3"):
        with pytest.raises(AssertionError, match="no exact version"):
            exact_versions([text], "here")


@pytest.mark.parametrize("name", ["requirements.lock", "site.lock"])
def test_the_lock_file_names_no_host_and_no_path(repo: Path, name: str) -> None:
    for line in (repo / name).read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+", line), line
        assert not re.search(r"[/@\\]|\w\.(com|org|net|io)\b", line), line
