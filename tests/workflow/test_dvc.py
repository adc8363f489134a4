"""The same study through DVC: what changed runs again and nothing else, and a second clone trains nothing."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclr.machine.locks import locked
from soundclr.params import read_params
from support.projects import commit_all, copy_of, run_in

MODELS = "results/demo/models/*/*/*.pt"
UNSHARED = ("not in cache", "deleted")  # what DVC says of an output that a clone has not


def change(folder: Path, weight: float) -> None:
    """Another weight of the contrastive loss for the hybrid scheme."""
    params = read_params(folder / "params.yaml")
    params["recipes"]["hybrid"]["settings"]["loss"]["supcon"] = weight
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="module")
def project(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with one fold and one epoch, as a git and DVC repository whose runs are there, pushed and committed."""
    folder = copy_of(repo, tmp_path_factory.mktemp("dvc") / "project")
    params = read_params(folder / "params.yaml")
    params["study"] = "demo"
    params["studies"]["demo"] |= {"folds": [1], "recipes": ["cross_entropy", "hybrid"]}
    params["studies"]["demo"]["artefacts"] = {}
    params["studies"]["demo"]["evaluate"] = {"recipes": ["cross_entropy"]}  # which no test changes
    params["studies"]["demo"]["settings"]["training"]["epochs"] = 1
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run_in(folder, "dvc", "remote", "add", "--default", "lab", "../soundclr-dvc")
    commit_all(folder)
    run_in(folder, "dvc", "repro")
    run_in(folder, "dvc", "push")
    commit_all(folder)
    return folder


def test_the_lock_is_of_the_committed_results(repo: Path) -> None:
    """Clips, weights and models need not be here; what git has must be what the lock says.

    Of the models it has those of the machine that trained last: the others' are gone with theirs.
    """
    changed = changed_outs(repo)
    stale = [path for path, how in changed.items() if how not in UNSHARED]
    assert not stale, (
        f"dvc.lock is of another {', '.join(stale)}: run `dvc commit --force` where the study's clips, weights and "
        "models are, or `dvc commit --force report` if only the report is new, and commit dvc.lock"
    )
    study = read_params(repo / "params.yaml")["study"]
    outs = yaml.safe_load((repo / "dvc.lock").read_text())["stages"]["train"]["outs"]
    (models,) = (out for out in outs if out["path"] == f"results/{study}/models")
    assert 0 < models["nfiles"] <= len(list((repo / "results" / study / "runs").glob("*/*/*/metrics.json")))


def test_a_fresh_clone_shows_the_committed_results(repo: Path, tmp_path: Path) -> None:
    """And says of what it lacks that there is no remote to have it from."""
    folder = copy_of(repo, tmp_path / "clone")
    shutil.copy(repo / "dvc.lock", folder)
    for name in ("results", "figures"):
        shutil.copytree(repo / name, folder / name, ignore=shutil.ignore_patterns("models"))
    commit_all(folder)
    assert set(changed_outs(folder)) == {"data/features", "data/weights", "results/esc10/models"}
    pulled = run_in(folder, "dvc", "pull", check=False)
    assert pulled.returncode and "No remote provided and no default remote set" in pulled.stderr
    rows = json.loads(run_in(folder, "dvc", "metrics", "show", "--json").stdout)[""]["data"]
    with (folder / "results/esc10/tables/table3.csv").open(newline="") as file:
        means = {line["recipe"]: float(line["last_epoch_mean_percent"]) for line in csv.DictReader(file)}
    assert rows == {"results/esc10/accuracy.json": {"data": {"esc10": means}}}
    titles = [spec["title"]["text"] for spec in specs_of(folder, "show")]
    assert titles == ["esc10, held-out accuracy", "esc10, accuracy of each fold", "esc10, confusion"]


def test_the_plots_page_without_a_network(repo: Path, tmp_path: Path) -> None:
    """By docs/dvc.md: with the scripts that Snakemake brings the page loads nothing."""
    folder = copy_of(repo, tmp_path / "clone")
    shutil.copytree(repo / "results/esc10", folder / "results/esc10", ignore=shutil.ignore_patterns("models", "runs"))
    commit_all(folder)
    section = (repo / "docs/dvc.md").read_text().partition("\n## Plots without a network\n")[2]
    commands = re.search(r"^```sh\n(.*?)^```", section, re.M | re.S)
    assert commands is not None
    run_in(folder, "bash", "-ec", commands[1].replace("/tmp/", f"{tmp_path}/"))
    page = (folder / "dvc_plots/index.html").read_text()
    assert "esc10, confusion" in page and "vegaEmbed(" in page
    assert not re.search(r"<script[^>]* src=", page)


def changed_outs(folder: Path) -> dict[str, str]:
    """What `dvc status` says of each stage's outputs that are not as dvc.lock has them."""
    status = json.loads(run_in(folder, "dvc", "status", "--json").stdout)
    parts = [part for stage in status.values() for part in stage if isinstance(part, dict)]
    return {path: how for part in parts for path, how in part.get("changed outs", {}).items()}


def specs_of(folder: Path, command: str) -> list[dict[str, Any]]:
    """What `dvc plots` draws."""
    page = run_in(folder, "dvc", "plots", command).stdout.strip()
    text = Path(page.removeprefix("file://")).read_text()
    return [json.loads(spec) for spec in re.findall(r"var spec = (\{.*?\});\n", text, re.DOTALL) if spec != "{}"]


def ran(output: str) -> list[str]:
    """The stages that `dvc repro` ran: `plan`, which always runs, and those whose dependencies changed."""
    return re.findall(r"^Running stage '(\w+)'", output, re.MULTILINE)


def trained(folder: Path) -> dict[str, int]:
    """The runs that are there, and when each was written."""
    return {str(path.parent): path.stat().st_mtime_ns for path in folder.glob("results/demo/runs/*/*/*/metrics.json")}


def test_a_second_clone_pulls_and_trains_nothing(project: Path, tmp_path: Path) -> None:
    """Beside the first one, as the remote is a folder there; on the clone all files have new times."""
    clone = project.with_name("clone")
    run_in(tmp_path, "git", "clone", "-q", str(project), str(clone))
    assert not list(clone.glob(MODELS))
    assert "train " not in run_in(clone, "snakemake", "--dry-run", "--cores", "1").stdout
    run_in(clone, "dvc", "pull")
    assert len(list(clone.glob(MODELS))) == 2
    assert {path.read_bytes() for path in clone.glob(MODELS)} == {path.read_bytes() for path in project.glob(MODELS)}
    before = trained(clone)
    assert "Nothing to be done" in run_in(clone, "snakemake", "--dry-run", "--cores", "1").stdout
    assert ran(run_in(clone, "dvc", "repro").stdout) == ["plan"]
    assert trained(clone) == before


def test_repro_retrains_the_changed_recipe_only(project: Path) -> None:
    before = trained(project)
    assert len(before) == 2
    assert ran(run_in(project, "dvc", "repro").stdout) == ["plan"]

    change(project, 0.25)
    with locked(project / ".snakemake/soundclr.lock", "this test runs the workflow"):
        second = run_in(project, "dvc", "repro", check=False)
        assert second.returncode
        assert f"the jobs of this folder are being run by process {os.getpid()} on " in second.stderr
        assert trained(project) == before
    run_in(project, "dvc", "repro")
    after = trained(project)
    assert {run: time for run, time in after.items() if run in before} == before
    new = [run for run in after if run not in before]
    assert len(new) == 1
    assert all("/hybrid-" in run for run in new)
    # The old hybrid run is kept, and out of the table.
    assert "1 of other settings set aside" in (project / "results/demo/README.md").read_text()

    metrics = run_in(project, "dvc", "metrics", "show").stdout
    assert "demo.hybrid" in metrics and max(map(len, metrics.splitlines())) < 110
    experiments = run_in(
        project, "dvc", "exp", "show", "--only-changed", "--drop", ".*/|report|params", "--md"
    ).stdout  # columns at full width
    assert "demo.hybrid" in experiments and max(map(len, experiments.splitlines())) < 120
    differing = json.loads(run_in(project, "dvc", "metrics", "diff", "--json", "--all").stdout)
    assert "demo.hybrid" in differing["results/demo/accuracy.json"]


@pytest.mark.parametrize(("command", "revisions"), [("show", {"workspace"}), ("diff", {"HEAD", "workspace"})])
def test_each_plot_keeps_schemes_apart(project: Path, command: str, revisions: set[str]) -> None:
    """Three plots of the study and none else; in each the data and what is drawn of them have the scheme."""
    specs = specs_of(project, command)
    titles = [spec["title"]["text"] for spec in specs]
    assert titles == ["demo, held-out accuracy", "demo, accuracy of each fold", "demo, confusion"]
    for spec in specs:
        assert {row["recipe"] for row in spec["data"]["values"]} == {"cross_entropy", "hybrid"}
        assert {row["rev"] for row in spec["data"]["values"]} == revisions
        assert "<DVC" not in json.dumps(spec)
    lines, points, matrices = specs
    assert lines["spec"]["encoding"]["color"]["field"] == points["spec"]["encoding"]["color"]["field"] == "recipe"
    assert "datum.recipe" in matrices["transform"][0]["calculate"]
    assert matrices["facet"]["column"]["field"] == matrices["transform"][0]["as"]


def test_an_experiment_in_place(project: Path) -> None:
    """`dvc exp run -S` trains the changed recipe alone, and lists the result beside the last commit's."""
    before = trained(project)
    run_in(project, "dvc", "exp", "run", "-S", "recipes.hybrid.settings.loss.supcon=0.75")
    assert len(trained(project)) == len(before) + 1
    loss = read_params(project / "params.yaml")["recipes"]["hybrid"]["settings"]["loss"]
    assert loss == {"cross_entropy": 0.5, "supcon": 0.75}
    rows = json.loads(run_in(project, "dvc", "exp", "show", "--json").stdout)
    assert "0.75" in json.dumps(rows)
