"""What Snakemake plans, counted independently of the package; and what it says of a mistake."""

import re
from pathlib import Path

import pytest
from projects import copy_of, run_in

FOLDS = {"ESC-10": 5, "ESC-50": 5, "UrbanSound8K": 10}


def paper_trainings() -> set[tuple[object, ...]]:
    """Every training of the paper's tables and figures, by what it is, so that equal ones are one."""

    def masks(f: int, width_f: int, t: int, width_t: int) -> tuple[object, ...]:
        """A setting of masks: a width without masks is none."""
        return (f, width_f if f else 0, t, width_t if t else 0)

    best = masks(2, 32, 1, 32)
    schemes = [("cross-entropy", best), ("contrastive", best), ("hybrid", 0.5, best)]
    table3 = {(data, scheme, seed) for data in FOLDS for scheme in schemes for seed in range(5)}
    table2 = {(data, ("hybrid", alpha, best), 0) for data in FOLDS for alpha in (0.01, 0.25, 0.5, 0.75, 0.99)}
    cells = {masks(f, a, t, b) for a, b in ((16, 32), (32, 32), (32, 64)) for f in range(4) for t in range(4)}
    assert len(cells) == 40
    table1 = {("ESC-50", ("cross-entropy", cell), 0) for cell in cells}
    plain = [("scratch", 1), ("scratch", 3), ("pretrained", 1), ("pretrained", 3)]
    steps = [*plain, ("cross-entropy", masks(0, 0, 0, 0)), ("cross-entropy", best)]
    figure3 = {("ESC-50", step, 0) for step in steps}
    return {(*run, fold) for run in table3 | table2 | table1 | figure3 for fold in range(FOLDS[run[0]])}


# esc10: three schemes, four more alphas and a ladder of six, five folds. demo: three schemes on five folds, on the
# first also four alphas, two encoders from scratch and no masks.
TRAININGS = {"paper": len(paper_trainings()), "esc10": (3 + 4 + 6) * 5, "demo": 3 * 5 + 4 + 2 + 1}
EVALUATIONS = {"paper": 3 * 5 * 5, "esc10": 3 * 5, "demo": 3 * 2}


@pytest.mark.parametrize("study", TRAININGS)
def test_number_of_jobs(repo: Path, tmp_path: Path, study: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    plan = run_in(folder, "snakemake", "--dry-run", "--cores", "2", "--config", f"study={study}").stdout
    assert re.search(rf"^train +{TRAININGS[study]}$", plan, re.MULTILINE)
    assert re.search(rf"^evaluate +{EVALUATIONS[study]}$", plan, re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("study: ", "study: papr #", "unknown study: 'papr'; did you mean 'paper'?"),
        ("recipes: [cross_entropy,", "recipes: [cros_entropy,", "'cros_entropy'; did you mean 'cross_entropy' or"),
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
