"""What a registered study fixed is what params.yaml plans, and came before each of its runs: held by git."""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclr.method import load_checked
from soundclr.params import Params, read_params
from soundclr.run import runs


def git(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TZ": "UTC"}
    return subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, text=True, env=environment)


def faults(repo: Path, params: Params, study: str) -> Iterator[str]:
    """What a study is otherwise than its registration, and each of its runs that is not younger."""
    registered = params.studies[study].registered
    assert registered is not None
    for file in (registered.file, registered.file.replace(".yaml", ".md")):
        if git(repo, "show", f"{registered.commit}:{file}").stdout != (repo / file).read_text(encoding="utf-8"):
            yield f"{file} is not as {registered.commit} has it"
    if (time := time_of(repo, registered.commit)) != registered.time:
        yield f"{registered.commit} is of {time}, not of {registered.time}"
    fixed = yaml.safe_load((repo / registered.file).read_text(encoding="utf-8"))["studies"][study]
    rows = {(row["dataset"], row["recipe"], row["hash"]): (row["folds"], row["seeds"]) for row in fixed}
    baselines = params.studies[study].artefacts.get("baselines")
    untrained = baselines.recipes or () if baselines else ()  # added later; they learn no network
    beyond = {place for place in planned(params, study).keys() - rows if place[1] in untrained}
    if {place: asked for place, asked in planned(params, study).items() if place not in beyond} != rows:
        yield f"params.yaml plans other runs of {study} than {registered.file}"
    files = [*(repo / "results" / study).glob("runs/**/metrics.json")]
    for path in sorted([*files, *(repo / "results" / study).glob("evaluations/**/evaluation.json")]):
        record = json.loads(path.read_text(encoding="utf-8"))
        older = git(repo, "merge-base", "--is-ancestor", registered.commit, record["git_commit"]).returncode
        if older or record["git_dirty"] or record["created"] <= registered.time:
            yield f"{path} is not of a commit that came after the registration"


def time_of(repo: Path, commit: str) -> str:
    """When a commit was made, in UTC."""
    return git(repo, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", commit).stdout.strip()


def planned(params: Params, study: str) -> dict[tuple[str, str, str], tuple[list[int], list[int]]]:
    """The folds and seeds of each dataset, recipe and hash of a study."""
    found: dict[tuple[str, str, str], tuple[dict[int, None], dict[int, None]]] = defaultdict(lambda: ({}, {}))
    for run in runs.expand(params, study):
        folds, seeds = found[run.dataset, run.recipe, run.hash]
        folds[run.fold], seeds[run.seed] = None, None
    return {place: (list(folds), list(seeds)) for place, (folds, seeds) in found.items()}


def registered_studies(params: Params) -> list[str]:
    return [name for name, study in params.studies.items() if study.registered]


@pytest.fixture(scope="module", autouse=True)
def _history(repo: Path) -> None:
    if git(repo, "rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("this copy has no whole git history, which the registration is held by")


def test_registered_studies_are_as_they_were_fixed(repo: Path) -> None:
    params = load_checked(repo / "params.yaml")
    files = {study: params.studies[study].registered.file for study in registered_studies(params)}
    assert files == {
        **dict.fromkeys(["registered_esc10", "registered_esc50", "registered_us8k"], "docs/registration.yaml"),
        "registered_shin": "docs/registration_shin.yaml",
    }
    assert [fault for study in registered_studies(params) for fault in faults(repo, params, study)] == []


@pytest.fixture
def registered(repo: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A repository whose first commit registers the demo and whose second has a run of it; params.yaml as values."""
    content = read_params(repo / "params.yaml")
    rows = [
        {"dataset": dataset, "recipe": recipe, "hash": key, "folds": folds, "seeds": seeds}
        for (dataset, recipe, key), (folds, seeds) in planned(Params.model_validate(content), "demo").items()
    ]
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"studies": {"demo": rows}}), encoding="utf-8")
    (tmp_path / "mine.md").write_text("The demo, fixed.\n", encoding="utf-8")
    commit = committed(tmp_path)
    content["studies"]["demo"]["registered"] = {
        "file": "mine.yaml",
        "commit": commit,
        "time": time_of(tmp_path, commit),
    }
    write_run(tmp_path, committed(tmp_path))
    return tmp_path, content


def committed(folder: Path) -> str:
    """A new commit of all that is in ``folder``."""
    git(folder, "add", "-A")
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    git(folder, *identity, "commit", "-q", "--allow-empty", "-m", "all")
    return git(folder, "rev-parse", "HEAD").stdout.strip()


def write_run(folder: Path, commit: str, **changes: Any) -> None:
    """The record of a run that was made by ``commit``."""
    path = folder / "results/demo/runs/demo/hybrid-0123456789ab/fold1-seed0/metrics.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"git_commit": commit, "git_dirty": False, "created": "2999-01-01T00:00:00Z"}
    path.write_text(json.dumps(record | changes), encoding="utf-8")


def test_what_is_as_it_was_fixed_has_no_fault(registered: tuple[Path, dict[str, Any]]) -> None:
    folder, content = registered
    assert list(faults(folder, Params.model_validate(content), "demo")) == []


def test_a_changed_number_is_a_fault(registered: tuple[Path, dict[str, Any]]) -> None:
    folder, content = registered
    content["studies"]["demo"]["settings"]["training"]["lr"] = 0.004
    (fault,) = faults(folder, Params.model_validate(content), "demo")
    assert fault == "params.yaml plans other runs of demo than mine.yaml"


def test_a_changed_text_is_a_fault(registered: tuple[Path, dict[str, Any]]) -> None:
    folder, content = registered
    (folder / "mine.md").write_text("The demo, fixed otherwise.\n", encoding="utf-8")
    (fault,) = faults(folder, Params.model_validate(content), "demo")
    assert fault.startswith("mine.md is not as ")


@pytest.mark.parametrize("how", ["another history", "an earlier time", "a changed tree"])
def test_a_run_that_is_older_is_a_fault(registered: tuple[Path, dict[str, Any]], how: str) -> None:
    folder, content = registered
    commit = git(folder, "rev-parse", "HEAD").stdout.strip()
    if how == "another history":
        git(folder, "checkout", "-q", "--orphan", "elsewhere")
        commit = committed(folder)
    time = content["studies"]["demo"]["registered"]["time"]
    write_run(
        folder, commit, **{"an earlier time": {"created": time}, "a changed tree": {"git_dirty": True}}.get(how, {})
    )
    (fault,) = faults(folder, Params.model_validate(content), "demo")
    assert fault.endswith("fold1-seed0/metrics.json is not of a commit that came after the registration")
