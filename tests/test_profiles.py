"""The profiles of clusters: what all have from the default one, and that Snakemake takes the settings of each."""

import importlib.util
import subprocess
import sys

import pytest
import yaml

SYSTEMS = {
    "slurm": "slurm",
    "lsf": "lsf",
    "pbs": "cluster_generic",
    "kubernetes": "kubernetes",
    "aws-batch": "aws_batch",
}
COMMON = ["rerun-incomplete", "keep-going", "nolock", "rerun-triggers", "quiet", "scheduler", "max-checksum-file-size"]


def profile(repo, name):
    return yaml.safe_load((repo / "profiles" / name / "config.yaml").read_text())


def test_every_profile_is_known(repo):
    assert {path.parent.name for path in repo.glob("profiles/*/config.yaml")} == {"default", *SYSTEMS}


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_has_what_the_default_one_has(repo, name):
    ours, default = profile(repo, name), profile(repo, "default")
    assert {key: ours.get(key) for key in COMMON} == {key: default[key] for key in COMMON}
    assert ours["executor"].replace("-", "_") == SYSTEMS[name]


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_names_rules_that_there_are(repo, name):
    rules = {line.split()[1].rstrip(":") for path in (repo / "workflow/rules").glob("*.smk")
             for line in path.read_text().splitlines() if line.startswith("rule ")}  # fmt: skip
    ours = profile(repo, name)
    assert {*ours["set-threads"], *ours["set-resources"]} <= rules


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SYSTEMS if name not in ("kubernetes", "aws-batch")])
def test_snakemake_plans_by_it(repo, name, tmp_path):
    """Kubernetes and AWS ask for their buckets first."""
    if importlib.util.find_spec(f"snakemake_executor_plugin_{SYSTEMS[name]}") is None:
        pytest.skip(f"snakemake-executor-plugin-{SYSTEMS[name].replace('_', '-')} is not installed")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repo), str(clone)], check=True)
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", f"profiles/{name}", "-n"]
    ended = subprocess.run([*command, "--config", "study=demo"], cwd=clone, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "train" in ended.stdout + ended.stderr
