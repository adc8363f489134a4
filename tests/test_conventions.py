"""The files by convention say what the repository has: each is held to what it speaks of."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.specifiers import SpecifierSet

from soundclr import __version__
from soundclr.commands.cli import main
from soundclr.params import read_params
from soundclr.params.resolving import KEYS

BUILDERS = ("podman", "docker", "buildah")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def make_check(repo: Path) -> list[str]:
    """The tools that `make check` runs, as in ``ruff check``."""
    recipe = (repo / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    return re.findall(r"\$\(BIN\)/(\w+(?: (?:check|format|--lint))?)", recipe)


def test_the_schema_is_current(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    said = capsys.readouterr().out
    assert said == (repo / "params.schema.json").read_text(), "soundclr schema > params.schema.json"


def test_params_follow_the_schema_that_they_name(repo: Path) -> None:
    files = [repo / "params.yaml", *sorted((repo / "params").glob("*.yaml"))]
    for file in files:
        first, *_ = file.read_text().splitlines()
        schema = json.loads((file.parent / first.removeprefix("# yaml-language-server: $schema=")).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(json.dumps(load(file))), schema)
    assert load(repo / "params.yaml")["include"] == [path.relative_to(repo).as_posix() for path in included(repo)]
    assert len((repo / "params.yaml").read_text().splitlines()) <= 200


def included(repo: Path) -> list[Path]:
    """The files beside params.yaml, in the order in which it names them."""
    return sorted(
        (repo / "params").glob("*.yaml"), key=lambda path: (repo / "params.yaml").read_text().index(path.name)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda params: params.update(studdy="paper"),
        lambda params: params["datasets"]["esc10"].update(folds="five"),
        lambda params: params["datasets"]["esc10"].pop("title"),
        lambda params: params["recipes"]["hybrid"].update(setings={}),
        lambda params: params["studies"]["demo"].update(recipes=[]),
    ],
)
def test_a_mistake_does_not_follow_it(repo: Path, change: Any) -> None:
    schema = json.loads((repo / "params.schema.json").read_text())
    params = json.loads(json.dumps(read_params(repo / "params.yaml")))
    jsonschema.validate(params, schema)
    change(params)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(params, schema)


def test_citation(repo: Path) -> None:
    """Of this version, by the authors and under the licence that the repository names; three papers."""
    cited = load(repo / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["version"] == __version__
    assert f"Copyright (c) 2026 {cited['authors'][0]['name']}" in (repo / "LICENSE").read_text()
    assert tomllib.loads((repo / "pyproject.toml").read_text())["project"]["license"].startswith(cited["license"])
    assert [len(paper["authors"]) for paper in cited["references"]] == [2, 2, 5]


def test_the_changelog_is_of_this_version_and_names_keys_that_there_are(repo: Path) -> None:
    text, params = (repo / "CHANGELOG.md").read_text(), read_params(repo / "params.yaml")
    assert f"\n## {__version__}" in text and f"### Revision {params['revision']}" in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all((repo / link).exists() for link in links)
    _, studies, revision = re.split(r"^### (?=Studies|Revision)", text, flags=re.M)
    rows = [line.split("|") for line in studies.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[1])} < params["studies"].keys()
    before = [yaml.safe_load(code) for row in rows for code in re.findall(r"`(\w+: .*?)`", row[2])]
    assert before and {key for settings in before for key in settings} < set(KEYS)
    now = [line.split("|")[2] for line in revision.splitlines() if line.startswith("| `")]
    named = {match for cell in now for match in re.findall(r"`(\w+)(?:[.:]|`)", cell)}
    assert {"optimizers", "representations"} < named  # keys were found
    assert named <= set(KEYS) | set(keys_and_words(params["defaults"])) | {"auto"}


def keys_and_words(content: Any) -> Iterator[str]:
    """All keys, and all values that are text, in nested dictionaries and lists."""
    for item in content.items() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from keys_and_words(list(item) if isinstance(item, tuple) else item)
    if isinstance(content, str):
        yield content


def test_the_file_for_the_workflow_catalog(repo: Path) -> None:
    usage = load(repo / ".snakemake-workflow-catalog.yml")["usage"]
    assert usage["mandatory-flags"]["flags"] == []
    assert usage["software-stack-deployment"]["conda"] is (repo / "environment.yml").exists()
    studies = load(repo / "params.yaml")["studies"]
    assert set(re.findall(r"study=([a-z]\w*)", usage["mandatory-flags"]["desc"])) <= studies.keys()


def test_continuous_integration_runs_what_the_repository_has(repo: Path) -> None:
    """On both Pythons of pyproject.toml; a script that is there and may be run."""
    (job,) = load(repo / ".github/workflows/ci.yml")["jobs"].values()
    versions = job["strategy"]["matrix"]["python"]
    supported = SpecifierSet(tomllib.loads((repo / "pyproject.toml").read_text())["project"]["requires-python"])
    assert versions == [version for version in (f"3.{minor}" for minor in range(30)) if version in supported]
    (step,) = [step for step in job["steps"] if step.get("env")]
    assert (repo / step["run"]).stat().st_mode & 0o100
    assert step["env"] == {"PYTHON": "python${{ matrix.python }}"}  # which the Makefile makes .venv from
    assert "\nPYTHON ?=" in (repo / "Makefile").read_text()


def test_pre_commit_runs_what_make_check_runs(repo: Path) -> None:
    hooks = [hook for block in load(repo / ".pre-commit-config.yaml")["repos"] for hook in block["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks]
    assert len(entries) == len(make_check(repo))
    for tool in make_check(repo):
        assert any(entry.startswith(tool) for entry in entries), tool
    assert not any(hook["entry"].split()[1:2] == ["format"] and "--check" not in hook["entry"] for hook in hooks)


def test_make_help_lists_every_target(repo: Path) -> None:
    """README's commands among them."""
    targets = re.findall(r"^([\w-]+):.*## ", (repo / "Makefile").read_text(), re.MULTILINE)
    # Under `make test`, a make of its own would also print which folder it enters.
    command = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True).stdout
    assert [line.split()[1] for line in printed.splitlines()] == targets
    assert set(re.findall(r"^make (\S+)", (repo / "README.md").read_text(), re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("home", ["/proc/nohome", None])
def test_without_a_home_make_keeps_caches_in_the_folder(repo: Path, home: str | None) -> None:
    """One that cannot be written to, and one that can."""
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    environment |= {"HOME": home} if home else {}
    command = ["make", "--no-print-directory", "-f", "Makefile", "-f", "-", "cache"]
    show = "cache:\n\t@echo $${XDG_CACHE_HOME:-home}\n"
    done = subprocess.run(command, cwd=repo, env=environment, input=show, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (str(repo / ".cache") if home else "home")


def test_the_image_has_a_cache_that_every_user_may_write_to(repo: Path) -> None:
    assert ("ENV", "XDG_CACHE_HOME=/tmp/cache") in steps(repo)
    assert "find . -path ./.venv -prune -o -type d -exec chmod a+rwx {} +" in dict(steps(repo))["RUN"]


def steps(repo: Path) -> list[tuple[str, str]]:
    """The Containerfile's instructions and their arguments."""
    lines = (repo / "Containerfile").read_text().replace("\\\n", "").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line and not line.startswith("#")]


def test_the_containerfile_names_what_there_is(repo: Path) -> None:
    """A Python that the lock file holds for, sources, targets and programs that exist."""
    instructions = dict(steps(repo))
    assert re.match(r"python:3\.1[12]-slim", instructions["FROM"])
    assert all((repo / source).exists() for name, text in steps(repo) if name == "COPY" for source in text.split()[:-1])
    targets = re.findall(r"^(\w[\w-]*):", (repo / "Makefile").read_text(), re.MULTILINE)
    run = [text for name, text in steps(repo) if name == "RUN"]
    assert set(re.findall(r"\bmake (\w+)", " ".join(run))) == {"env"} <= set(targets)
    assert f"{instructions['WORKDIR']}/.venv/bin:" in instructions["ENV"]
    assert (Path(sys.executable).parent / json.loads(instructions["CMD"])[0]).exists()


def test_the_image_leaves_out_what_git_does(repo: Path) -> None:
    left_out = (repo / ".dockerignore").read_text().splitlines()
    assert {".git", ".venv", "data", "sounds", "logs", "results/*/models"} <= set(left_out)
    needed = {"src", "workflow", "profiles", "params.yaml", "Snakefile", "Makefile", "requirements.lock", "LICENSE"}
    assert not needed & set(left_out)


def works(*command: str) -> bool:
    """Whether a command is there, and ends well: a builder may lack its service or a network."""
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True, timeout=600).returncode == 0


@pytest.mark.slow
def test_the_image_is_built_and_works(repo: Path) -> None:
    base = dict(steps(repo))["FROM"]
    builder = next((name for name in BUILDERS if works(name, "info") and works(name, "pull", base)), None)
    if builder is None:
        pytest.skip(f"needs one of {', '.join(BUILDERS)} that can pull {base}: the Containerfile is NOT BUILT")
    subprocess.run([builder, "build", "-t", "soundclr-test", "-f", "Containerfile", "."], cwd=repo, check=True)
    if builder != "buildah":
        command = [builder, "run", "--rm", "soundclr-test", "soundclr", "--version"]
        assert __version__ in subprocess.run(command, capture_output=True, text=True, check=True).stdout
