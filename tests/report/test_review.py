"""`make review`: the report needs no more than the packages of its dependency group."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

LISTED = {
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
    "snakemake-executor-plugin-slurm": "snakemake_executor_plugin_slurm",
}


@pytest.mark.slow
def test_the_report_imports_no_other_package_of_the_project(repo: Path, tmp_path: Path) -> None:
    """With the project's other dependencies hidden, a study's report is made all the same."""
    project = tomllib.loads((repo / "pyproject.toml").read_text())
    names = [one.split("==")[0].split(">")[0] for one in project["project"]["dependencies"]]
    hidden = {LISTED.get(name, name) for name in names if name not in project["dependency-groups"]["report"]}
    assert {"torch", "snakemake", "dvc"} <= hidden
    code = (
        "import sys\n"
        f"hidden = {sorted(hidden)!r}\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in hidden: raise ModuleNotFoundError(f'No module named {name}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from soundclr.commands.cli import main\n"
        f"sys.exit(main(['report', '--study', 'esc50', '--results', 'results', '--figures', {str(tmp_path)!r}]))\n"
    )
    for name in ("params", "results/esc50"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        subprocess.run(["cp", "-r", str(repo / name), str(tmp_path / name)], check=True)
    subprocess.run(["cp", str(repo / "params.yaml"), str(tmp_path)], check=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "25 of 25 runs" in done.stdout
