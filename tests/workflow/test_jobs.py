"""What Snakemake plans, counted independently of the package; and what it says of a mistake."""

import re
from pathlib import Path

import pytest

from soundclr.params import load
from soundclr.run import runs
from support.projects import copy_of, run_in

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


# esc10: three schemes on five folds with five seeds, with an inner fold and without; four alphas and five steps more.
# demo: the same, on the first fold also four alphas, two encoders from scratch, no
# masks, CLAR and its probe.
BASELINES = 2 * 5 + 2 * 5 + 2 * 10  # of ESC-10, ESC-50 and UrbanSound8K, an untrained network and statistics
TRAININGS = {
    "paper": len(paper_trainings()) + 5 + BASELINES,  # 5: the contrastive loss on h, ESC-50, one seed
    "esc10": 2 * 3 * 5 * 5 + 4 * 5 + 5 * 5 + 2 * 5,
    "demo": 3 * 5 + 4 + 2 + 1 + 2 + 2,
}
EVALUATIONS = {"paper": 3 * (5 + 5 + 10) * 5, "esc10": 3 * 5 * 5, "demo": 3 * 2}


@pytest.mark.parametrize("study", TRAININGS)
def test_number_of_jobs(repo: Path, tmp_path: Path, study: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    plan = run_in(folder, "snakemake", "--dry-run", "--cores", "2", "--config", f"study={study}").stdout
    assert re.search(rf"^train +{TRAININGS[study]}$", plan, re.MULTILINE)
    assert re.search(rf"^evaluate +{EVALUATIONS[study]}$", plan, re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("study: ", "study: papr #", "unknown study in params.yaml: study: 'papr'; did you mean 'paper'"),
        ("recipes: [cross_entropy,", "recipes: [cros_entropy,", "'cros_entropy'; did you mean 'cross_entropy' or"),
        ("hop_length: 512", "hop_lenght: 512", "'hop_lenght'; did you mean 'hop_length'?"),
        ("nt_xent: {temperature: 0.5}", "nt_xent: {temperature: -0.5}", "defaults.losses.nt_xent.temperature: "),
        ("augment: [scale, ", "augment: [scal, ", "'scal'; did you mean 'scale'?"),
    ],
)
def test_a_mistake_is_one_line(repo: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    files = [folder / "params.yaml", *(folder / "params").glob("*.yaml")]
    params = next(file for file in files if old in file.read_text())
    params.write_text(params.read_text().replace(old, new, 1))
    done = run_in(folder, "snakemake", "--dry-run", "--cores", "2", check=False)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--config", "studdy=demo"), "unknown key of --config: 'studdy'; did you mean 'study'?"),
        (("--config", "study=dmo"), "unknown study: 'dmo'; did you mean 'demo'?"),
        (("--resources", "gpus=4"), "unknown name of --resources: 'gpus'; did you mean 'gpu'?"),
    ],
)
def test_a_mistyped_option_is_one_line(repo: Path, tmp_path: Path, options: tuple[str, str], said: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    done = run_in(folder, "snakemake", "--dry-run", "--cores", "2", *options, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[1:] == [f"snakemake: error: {said}"]


def test_snakemakes_own_resources_are_known(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    limits = ["mem_mb=64000", "disk_mib=9000", "runtime=60", "gpu=2"]
    done = run_in(folder, "snakemake", "--dry-run", "--cores", "2", "--config", "study=demo", "--resources", *limits)
    assert re.search(r"^train +\d+$", done.stdout, re.MULTILINE), done.stdout


AWKWARD = """it's "a b"; touch broken; $(touch broken) `touch broken`"""


@pytest.mark.parametrize(("project", "mirror"), [("project", AWKWARD + " {wildcards.dataset}"), (AWKWARD, "mirror")])
def test_a_folders_name_reaches_no_shell(repo: Path, tmp_path: Path, project: str, mirror: str) -> None:
    """Nor does another mirror plan to fetch again."""
    folder = copy_of(repo, tmp_path / project)
    (folder / mirror).mkdir()
    command = ["snakemake", "data/demo/index.csv", "--cores", "1", "--config", "study=demo"]
    run_in(folder, *command, f"mirror={folder / mirror}")
    assert len((folder / "data/demo/index.csv").read_text().splitlines()) == 301
    assert not list(tmp_path.rglob("broken"))
    assert "Nothing to be done" in run_in(folder, *command, "mirror=elsewhere", "--dry-run").stdout


def test_a_project_in_a_path_with_braces_is_one_line(repo: Path, tmp_path: Path) -> None:
    """Snakemake takes them for wildcards in the paths of environments."""
    folder = copy_of(repo, tmp_path / "{x}")
    done = run_in(folder, "snakemake", "--dry-run", "--cores", "1", check=False)
    assert done.returncode == 1
    assert "cannot work in a folder with braces in its path" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["metrics.json", "history.csv", "README.md"])
def test_a_folder_where_a_file_is_looked_for_is_one_line(repo: Path, tmp_path: Path, name: str) -> None:
    folder = copy_of(repo, tmp_path / "project")
    run = next(runs.expand(load(folder / "params.yaml"), "demo"))
    place = folder / "results/demo" / name if name == "README.md" else folder / run.directory() / name
    place.mkdir(parents=True)
    for command in (["snakemake"], ["snakemake", "--snakefile", "workflow/report.smk", "--forceall"]):
        done = run_in(folder, *command, "--dry-run", "--cores", "1", "--config", "study=demo", check=False)
        assert done.returncode == 1
        path = place.relative_to(folder)
        assert done.stderr.splitlines()[1:] == [
            f"snakemake: error: {path}: is not a file but a folder, a pipe or a device; move it away"
        ]
