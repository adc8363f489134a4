"""What Snakemake plans, counted independently of the package; and what it says of a mistake."""

import re
from pathlib import Path

import pytest
from projects import copy_of, run_in

# Schemes x seeds x folds (ESC-10 and ESC-50 five, UrbanSound8K ten), from the paper's section 4.
TRAININGS = {"paper": 3 * 5 * (5 + 5 + 10), "esc10": 3 * 1 * 5, "demo": 3 * 1 * 5}


@pytest.mark.parametrize(("study", "trainings"), TRAININGS.items())
def test_number_of_trainings(repo: Path, tmp_path: Path, study: str, trainings: int) -> None:
    folder = copy_of(repo, tmp_path / "project")
    chosen = [] if study == "paper" else ["--config", f"study={study}"]
    plan = run_in(folder, "snakemake", "--dry-run", "--cores", "2", *chosen).stdout
    assert re.search(rf"^train +{trainings}$", plan, re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("study: paper", "study: papr", "unknown study: 'papr'; did you mean 'paper'?"),
        ("recipes: [cross_entropy,", "recipes: [cros_entropy,", "'cros_entropy'; did you mean 'cross_entropy'?"),
        ("hop: 512", "hopp: 512", "'hopp'; did you mean 'hop'?"),
    ],
)
def test_a_mistake_is_one_line(repo: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace(old, new, 1))
    done = run_in(folder, "snakemake", "--dry-run", "--cores", "2", check=False)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
