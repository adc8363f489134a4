"""What the report writes: its numbers, held against sums done here by hand, its captions and its figures."""

import csv
import io
import json
import math
import re
import shutil
import statistics
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from fabricate import edit, fabricate, trial_params
from matplotlib.image import imread

from soundclr.params import Params
from soundclr.report.collect import collect
from soundclr.report.dvc_plots import confusion_csv, mean_history
from soundclr.report.outputs import report_paths
from soundclr.report.papers.soundclr.table3 import paper_accuracy
from soundclr.report.table import latex_escape, markdown_escape
from soundclr.report.write import write_report
from soundclr.runs import expand

TEXTS = {".csv", ".md", ".tex", ".html", ".json", ".rst"}


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return trial_params(
        repo,
        one={"seeds": [0]},
        part={"seeds": [0, 1, 2], "recipes": ["cross_entropy", "hybrid"]},
        several={"datasets": ["esc10", "us8k"], "seeds": [0], "recipes": ["hybrid"], "folds": [1, 2]},
        fifty={"datasets": ["esc50"], "seeds": [0], "recipes": ["cross_entropy", "hybrid"], "folds": [1, 2]},
    )


@pytest.fixture(scope="module")
def full(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs of the trial and what the report makes of them, in ``results`` and ``figures``."""
    folder = tmp_path_factory.mktemp("full")
    for run in expand(params, "trial"):
        fabricate(params, run, folder / "results", skill=0.9 if run.recipe == "hybrid" else 0.8)
    write_report(params, "trial", folder / "results", folder / "figures")
    return folder


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of tables alone: drawing takes seconds."""
    monkeypatch.setattr("soundclr.report.write.draw", lambda *figure: None)


def accuracies(results: Path, study: str) -> dict[tuple[str, str], dict[int, dict[int, dict[str, float]]]]:
    """(dataset, recipe) -> seed -> fold -> accuracies, read from the run folders by hand."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    for path in (results / study / "runs").glob("*/*/*/metrics.json"):
        metrics = json.loads(path.read_text())
        found[metrics["dataset"], metrics["recipe"]][metrics["seed"]][metrics["fold"]] = metrics["accuracy"]
    return found


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_table3_numbers(full: Path) -> None:
    rows = table(full / "results/trial/tables/table3.csv")
    expected = accuracies(full / "results", "trial")
    assert [row["recipe"] for row in rows] == ["cross_entropy", "supervised_contrastive", "hybrid"]
    published = {"cross_entropy": 99.0, "supervised_contrastive": 99.25, "hybrid": 99.6}
    for row in rows:
        for protocol in ("best_epoch", "last_epoch"):
            seeds = [
                100 * sum(fold[protocol] for fold in folds.values()) / 5
                for folds in expected[row["dataset"], row["recipe"]].values()
            ]
            mean = sum(seeds) / 5
            std = math.sqrt(sum((seed - mean) ** 2 for seed in seeds) / 4)
            assert float(row[f"{protocol}_mean_percent"]) == pytest.approx(mean, abs=0.00501)
            assert float(row[f"{protocol}_std_percent"]) == pytest.approx(std, abs=0.00501)
            assert float(row[f"{protocol}_best_percent"]) == pytest.approx(max(seeds), abs=0.00501)
        assert (row["runs"], row["expected_runs"], row["seeds"], row["expected_seeds"]) == (
            "25",
            "25",
            "5",
            "5",
        )
        difference = float(row["best_epoch_mean_percent"]) - published[row["recipe"]]
        assert float(row["paper_mean_percent"]) == published[row["recipe"]]
        assert float(row["difference_points"]) == pytest.approx(difference, abs=1e-9)


def test_paper_values_by_our_names() -> None:
    accuracy = paper_accuracy("us8k", "supervised_contrastive")
    assert (accuracy.mean, accuracy.std, accuracy.best) == (84.69, 0.98, 86.09)
    assert paper_accuracy("demo", "hybrid").mean is None
    assert paper_accuracy("esc50", "unpublished").mean is None


@pytest.mark.usefixtures("no_figures")
def test_only_complete_seeds_count(params: Params, tmp_path: Path) -> None:
    """Cross-entropy: seeds 0 and 1 complete, seed 2 lacks a fold. Hybrid: no seed complete."""
    for run in expand(params, "part"):
        missing = run.seed == 2 and run.fold == 3 if run.recipe == "cross_entropy" else run.fold == run.seed + 1
        if not missing:
            fabricate(params, run, tmp_path)
    write_report(params, "part", tmp_path, tmp_path / "figures")
    found = accuracies(tmp_path, "part")
    baseline, hybrid = table(tmp_path / "part/tables/table3.csv")

    seeds = [
        statistics.fmean(100 * fold["best_epoch"] for fold in found["esc10", "cross_entropy"][seed].values())
        for seed in (0, 1)
    ]
    assert (baseline["runs"], baseline["seeds"], baseline["expected_seeds"]) == ("14", "2", "3")
    assert baseline["best_epoch_mean_percent"] == f"{statistics.fmean(seeds):.2f}"
    assert baseline["best_epoch_std_percent"] == f"{statistics.stdev(seeds):.2f}"

    everything = [f["last_epoch"] for folds in found["esc10", "hybrid"].values() for f in folds.values()]
    assert (hybrid["runs"], hybrid["expected_runs"], hybrid["seeds"]) == ("12", "15", "0")
    assert hybrid["last_epoch_mean_percent"] == f"{100 * statistics.fmean(everything):.2f}"
    for empty in ("best_epoch_std_percent", "best_epoch_best_percent", "difference_points"):
        assert hybrid[empty] == ""

    page = (tmp_path / "part/README.md").read_text()
    assert "26 of 30 runs" in page
    assert "| 14 of 15 |" in page
    assert re.search(r"hybrid.*\| 12 of 15 \| \d+\.\d\d † \| – \|", page)
    assert "† No seed has all its folds" in page


@pytest.mark.usefixtures("no_figures")
def test_one_seed_has_no_deviation(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "one"):
        fabricate(params, run, tmp_path)
    write_report(params, "one", tmp_path, tmp_path / "figures")
    for row in table(tmp_path / "one/tables/table3.csv"):
        assert row["best_epoch_std_percent"] == ""
        assert row["best_epoch_mean_percent"] == row["best_epoch_best_percent"] != ""
    page = (tmp_path / "one/tables/table3.md").read_text()
    assert "One seed: no standard deviation." in page
    assert "standard deviation over seeds" not in page
    assert re.search(r"\| \d\d\.\d\d \|", page)


@pytest.mark.usefixtures("no_figures")
def test_caption_says_what_the_runs_say(params: Params, full: Path, tmp_path: Path) -> None:
    shutil.copytree(full / "results", tmp_path / "results")
    for run in expand(params, "trial"):
        if (run.recipe, run.fold, run.seed) == ("hybrid", 1, 0):
            changes = {
                "device": "another_device",
                "git_dirty": True,
                "stopped_early": True,
            }
            edit(run.directory(tmp_path / "results"), **changes)
    write_report(params, "trial", tmp_path / "results", tmp_path / "figures")
    page = (tmp_path / "results/trial/README.md").read_text()
    for words in (
        "a trial (made up)",
        "ESC-10, 10 classes, 5 folds, 80 training and 20 held-out clips a fold",
        "resnet50, ImageNet (product-quantised, PQF), SHA-256 3c49aca5",
        "at most 6 epochs, batch 128, learning rate by the last epoch at less than 1 % of its peak "
        "(cross-entropy, hybrid (SoundCLR)); at most 6 + 6 epochs, batch 128, "
        "learning rate by the last epoch at less than 1 % + 4 % of its peak (supervised contrastive)",
        "Device: a made-up device (74 runs); another\\_device (1 run); "
        "precision: float32; "
        "code: 0123456789 (74 runs); 0123456789 with uncommitted changes (1 run)",
        "75 of 75 runs.",
        "Stopped early by the held-out fold, so the last epoch depends on it: 1 of 75 runs",
    ):
        assert words in page
    provenance = page.split("<details>")[1]
    assert "another\\_device" in provenance
    assert all(f"{run.group}/{run.name}".replace("_", "\\_") in provenance for run in expand(params, "trial"))


@pytest.mark.usefixtures("no_figures")
def test_set_aside_runs_are_counted_and_change_no_number(
    params: Params, repo: Path, full: Path, tmp_path: Path
) -> None:
    shutil.copytree(full / "results", tmp_path / "results")
    settings = {"start": {"weights": "imagenet_pqf"}, "training": {"epochs": 9, "patience": 6}}
    old = trial_params(repo, trial={"settings": settings})
    for run in list(expand(old, "trial"))[:2]:
        fabricate(old, run, tmp_path / "results", skill=1.0)
    left = tmp_path / "results/trial/summary/esc10/a_recipe_that_is_gone.json"
    left.write_text("{}")
    write_report(params, "trial", tmp_path / "results", tmp_path / "figures")
    assert not left.exists()
    assert "75 of 75 runs; 2 of other settings set aside." in (tmp_path / "results/trial/README.md").read_text()
    for name in ("tables/table3.csv", "curves.csv", "accuracy_per_fold.csv", "confusion.csv"):
        assert (tmp_path / "results/trial" / name).read_bytes() == (full / "results/trial" / name).read_bytes()


def test_same_runs_give_the_same_bytes(params: Params, full: Path, tmp_path: Path) -> None:
    """Also from a copy, whose files come in another order and with other times."""
    runs = [run.directory(full / "results") for run in expand(params, "trial")]
    for folder in reversed(runs):
        shutil.copytree(folder, tmp_path / "results" / folder.relative_to(full / "results"))
    paths = write_report(params, "trial", tmp_path / "results", tmp_path / "figures")
    assert paths == report_paths(params, "trial", tmp_path / "results", tmp_path / "figures")
    assert {path.suffix for path in paths} == TEXTS | {".png", ".pdf"}
    for path in paths:
        assert path.read_bytes() == (full / path.relative_to(tmp_path)).read_bytes(), path
        assert path.suffix not in TEXTS or b"\r" not in path.read_bytes()


@pytest.mark.usefixtures("no_figures")
def test_it_says_how_many_runs_it_had_and_no_paths(params: Params, tmp_path: Path) -> None:
    for run in list(expand(params, "part"))[:7]:
        fabricate(params, run, tmp_path)
    said: list[str] = []
    paths = write_report(params, "part", tmp_path, tmp_path / "figures", said.append)
    assert said == [f"{tmp_path / 'part/README.md'}: 7 of 30 runs; {len(paths)} files"]


def test_summary_for_dvc_metrics(full: Path) -> None:
    """A file a scheme, so that `dvc metrics show` has a row for each; no others."""
    rows = table(full / "results/trial/tables/table3.csv")
    paths = {full / f"results/trial/summary/{row['dataset']}/{row['recipe']}.json": row for row in rows}
    assert set(paths) == set(full.glob("results/trial/summary/*/*"))
    for path, row in paths.items():
        entry = json.loads(path.read_text())
        assert entry == {
            "best_epoch": float(row["best_epoch_mean_percent"]),
            "last_epoch": float(row["last_epoch_mean_percent"]),
            "runs": 25,
            "expected": 25,
        }


def test_accuracy_per_fold(params: Params, full: Path) -> None:
    found = accuracies(full / "results", "trial")
    rows = table(full / "results/trial/accuracy_per_fold.csv")
    assert len(rows) == 75
    for row in rows:
        entry = found[row["dataset"], row["recipe"]][int(row["seed"])][int(row["fold"])]
        assert float(row["best_epoch"]) == pytest.approx(100 * entry["best_epoch"], abs=0.00501)
        assert float(row["last_epoch"]) == pytest.approx(100 * entry["last_epoch"], abs=0.00501)


def test_curves_are_means_over_runs(full: Path) -> None:
    values = defaultdict(list)
    for path in sorted((full / "results/trial/runs").glob("*/supervised_contrastive-*/*/history.csv")):
        for row in table(path):
            values[row["stage"], row["epoch"]].append(row)
    rows = [r for r in table(full / "results/trial/curves.csv") if r["recipe"] == "supervised_contrastive"]
    assert [(r["stage"], r["epoch"]) for r in rows] == [
        (s, str(e)) for s in ("contrastive", "classifier") for e in range(1, 7)
    ]
    for row in rows:
        runs = values[row["stage"], row["epoch"]]
        assert row["runs"] == "25" == str(len(runs))
        loss = statistics.fmean(float(r["train_loss"]) for r in runs)
        assert float(row["train_loss"]) == pytest.approx(loss, abs=0.0000501)
        if row["stage"] == "contrastive":
            assert row["val_accuracy"] == ""
        else:
            accuracy = 100 * statistics.fmean(float(r["val_accuracy"]) for r in runs)
            assert float(row["val_accuracy"]) == pytest.approx(accuracy, abs=0.00501)


def test_stages_follow_each_other_where_runs_stop_early(params: Params, tmp_path: Path) -> None:
    """A stage begins after the longest run of the one before; means say how many runs they are of."""
    runs = [run for run in expand(params, "one") if run.recipe == "supervised_contrastive"][:2]
    for run in runs:
        folder = fabricate(params, run, tmp_path)
    lines = (folder / "history.csv").read_text().splitlines()
    (folder / "history.csv").write_text("\n".join(lines[:4] + lines[7:]) + "\n")  # without contrastive epochs 4-6
    edit(folder)
    history = mean_history(collect(params, "one", tmp_path).of("esc10"))
    assert list(history["elapsed"]) == list(range(1, 13))
    assert list(history["runs"]) == [2, 2, 2, 1, 1, 1, *[2] * 6]


def test_confusion_counts_every_held_out_clip(params: Params, full: Path) -> None:
    """The pairs of class and predicted class, from predictions.csv by hand; the diagonal is the accuracy."""
    pairs: Counter = Counter()
    for path in (full / "results/trial/runs").glob("*/hybrid-*/*/predictions.csv"):
        for row in table(path):
            classes = list(row)[3:]
            if row["epoch"] == "best":
                predicted = max(classes, key=lambda name: float(row[name]))
                pairs[classes[int(row["label"])], predicted] += 1
    rows = table(full / "results/trial/confusion.csv")
    assert Counter((r["actual"], r["predicted"]) for r in rows if r["recipe"] == "hybrid") == pairs
    assert {row["clips"] for row in rows} == {"1"}
    assert len(rows) == 75 * 20

    text = confusion_csv(collect(params, "trial", full / "results"), most=10)
    counted = list(csv.DictReader(io.StringIO(text)))
    assert {row["fold"] for row in counted} == {""}
    hybrid = {(r["actual"], r["predicted"]): int(r["clips"]) for r in counted if r["recipe"] == "hybrid"}
    assert hybrid == pairs


@pytest.mark.parametrize("study", ["several", "paper"])
def test_study_without_runs(params: Params, tmp_path: Path, study: str) -> None:
    paths = write_report(params, study, tmp_path / "results", tmp_path / "figures")
    assert all(path.stat().st_size for path in paths if path.suffix != ".csv")
    number = {"several": 4, "paper": 300}[study]
    page = (tmp_path / "results" / study / "README.md").read_text()
    assert f"0 of {number} runs." in page
    assert "UrbanSound8K: no runs yet" in page
    assert page.startswith(
        "# A trial: ESC-10, UrbanSound8K\n" if study == "several" else "# The SoundCLR paper: ESC-10, "
    )
    assert "Device" not in page
    assert "![" not in page
    assert {row["runs"] for row in table(tmp_path / "results" / study / "tables" / "table3.csv")} == {"0"}
    assert table(tmp_path / "results" / study / "confusion.csv") == []
    summary = json.loads((tmp_path / "results" / study / "summary/us8k/hybrid.json").read_text())
    assert summary["runs"] == 0
    assert "best_epoch" not in summary


def test_dataset_without_runs_beside_one_with_runs(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "several"):
        if run.dataset == "us8k":
            fabricate(params, run, tmp_path / "results")
    paths = write_report(params, "several", tmp_path / "results", tmp_path / "figures")
    page = (tmp_path / "results/several/README.md").read_text()
    assert "UrbanSound8K, 10 classes, folds 1, 2 of 10" in page
    assert "figure4-us8k.png" in page
    assert "figure4-esc10.png" not in page
    assert "ESC-10: no runs yet" in page
    sizes = {path.name: imread(path).shape[0] for path in paths if path.suffix == ".png"}
    assert sizes["figure4-esc10.png"] < sizes["figure4-us8k.png"]


def test_figures_are_drawn(params: Params, full: Path) -> None:
    for name in ("figure4", "curves", "confusion"):
        png, pdf = (full / f"figures/trial/{name}-esc10.{form}" for form in ("png", "pdf"))
        image = imread(png)[..., :3]
        # A column of 3.4 inches or a page of 7, at 300 dots an inch; ink, and colours among it.
        assert image.shape[1] in (1020, 2100)
        assert (image.min(axis=2) < 0.9).mean() > 0.01
        assert (np.ptp(image, axis=2) > 0.3).mean() > 0.001
        assert f"![ESC-10](../../figures/trial/{name}-esc10.png)" in (full / "results/trial/README.md").read_text()
        # Nothing is cut off at the edges.
        assert np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).min() == 1.0
        assert pdf.read_bytes().startswith(b"%PDF-")
        assert b"CreationDate" not in pdf.read_bytes()


def test_confusion_of_many_classes_shows_the_best_scheme(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "fifty"):
        fabricate(params, run, tmp_path, test_clips=50, skill=0.95 if run.recipe == "hybrid" else 0.5)
    write_report(params, "fifty", tmp_path, tmp_path / "figures")
    page = (tmp_path / "fifty/README.md").read_text()
    assert "the scheme with the highest mean accuracy" in page
    image = imread(tmp_path / "figures/fifty/confusion-esc50.png")
    assert image.shape[1] == 2100
    assert image.shape[0] > 1500


def test_latex_escapes() -> None:
    assert latex_escape("[1] *") == "{[}1{]} {*}"  # at a row's begin LaTeX would read them as arguments of what ends it
    assert latex_escape("50 % of a_b & c#$ {x}") == "50 \\% of a\\_b \\& c\\#\\$ \\{x\\}"
    assert latex_escape("\\~^<>|") == (
        "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}\\textbar{}"
    )
    assert latex_escape("1.5 ± – −2 †\n") == "1.5 $\\pm$ -- $-$2 $\\dagger$"


def test_markdown_escapes() -> None:
    assert markdown_escape("a|b\n_c_ <d>") == "a\\|b \\_c\\_ \\<d\\>"


@pytest.mark.usefixtures("no_figures")
def test_latex_table(repo: Path, full: Path, tmp_path: Path) -> None:
    """LaTeX's special characters, as many cells in every line; and it compiles where LaTeX is at hand."""
    params = trial_params(repo, part={"note": "50 % of a_b & c", "recipes": ["cross_entropy", "hybrid"]})
    for run in list(expand(params, "part"))[:3]:
        fabricate(params, run, tmp_path)
    write_report(params, "part", tmp_path, tmp_path / "figures")
    text = (tmp_path / "part/tables/table3.tex").read_text()
    assert "50 \\% of a\\_b \\& c" in text
    assert text.isascii()
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    columns = re.search(r"\\begin{tabular}{([lr]+)}", text)
    assert columns
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns[1]) - 1
        assert line.endswith("\\\\")
    if shutil.which("pdflatex"):
        document = (
            "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
            f"{text}{(full / 'results/trial/tables/table3.tex').read_text()}\\end{{document}}"
        )
        (tmp_path / "page.tex").write_text(document)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
