"""What the report writes: its numbers, held against sums done here by hand, its captions and its figures."""

import json
import math
import re
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from soundclr.params import Params
from soundclr.report.captions import study_facts
from soundclr.report.catalogue import report_paths
from soundclr.report.collect import collect
from soundclr.report.papers.soundclr.reading import paper_accuracy
from soundclr.report.write import write_report
from soundclr.run.runs import expand
from support.byhand import accuracies, read
from support.fabricate import edit, fabricate, trial_params

TEXTS = {".csv", ".md", ".tex", ".html", ".json", ".rst"}


def test_table3_numbers(full: Path) -> None:
    rows = read(full / "results/trial/tables/table3.csv")
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
    assert accuracy == {"mean": 84.69, "std": 0.98, "best": 86.09}
    assert paper_accuracy("demo", "hybrid")["mean"] is None
    assert paper_accuracy("esc50", "unpublished")["mean"] is None


@pytest.mark.usefixtures("no_figures")
def test_only_complete_seeds_count(params: Params, tmp_path: Path) -> None:
    """Cross-entropy: seeds 0 and 1 complete, seed 2 lacks a fold. Hybrid: no seed complete."""
    for run in expand(params, "part"):
        missing = run.seed == 2 and run.fold == 3 if run.recipe == "cross_entropy" else run.fold == run.seed + 1
        if not missing:
            fabricate(params, run, tmp_path)
    write_report(params, "part", tmp_path, tmp_path / "figures")
    found = accuracies(tmp_path, "part")
    baseline, hybrid = read(tmp_path / "part/tables/table3.csv")

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
    for row in read(tmp_path / "one/tables/table3.csv"):
        assert row["best_epoch_std_percent"] == ""
        assert row["best_epoch_mean_percent"] == row["best_epoch_best_percent"] != ""
    page = (tmp_path / "one/tables/table3.md").read_text()
    assert "One seed: no standard deviation." in page
    assert "standard deviation over seeds" not in page
    assert re.search(r"\| \d\d\.\d\d \|", page)


@pytest.mark.slow
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
        "at most 6 epochs, batch 128, learning rate at the last epoch less than 1 % of its peak "
        "(cross-entropy, hybrid (SoundCLR)); at most 6 + 6 epochs, batch 128, "
        "learning rate at the last epoch less than 1 % + 4 % of its peak (supervised contrastive)",
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


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_set_aside_runs_are_counted_and_change_no_number(
    params: Params, repo: Path, full: Path, tmp_path: Path
) -> None:
    shutil.copytree(full / "results", tmp_path / "results")
    settings = {"start": {"weights": "imagenet_pqf"}, "training": {"epochs": 9, "patience": 6}}
    old = trial_params(repo, trial={"settings": settings})
    for run in list(expand(old, "trial"))[:2]:
        fabricate(old, run, tmp_path / "results", skill=1.0)
    write_report(params, "trial", tmp_path / "results", tmp_path / "figures")
    assert "75 of 75 runs; 2 of other settings set aside." in (tmp_path / "results/trial/README.md").read_text()
    for name in ("tables/table3.csv", "curves.csv", "accuracy_per_fold.csv", "confusion.csv"):
        assert (tmp_path / "results/trial" / name).read_bytes() == (full / "results/trial" / name).read_bytes()


@pytest.mark.slow
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
    said: list[str] = []
    paths = write_report(params, "part", tmp_path, tmp_path / "figures", said.append)
    nothing = "0 of 30 runs, so each table and figure says that it has none"
    assert said == [f"{tmp_path / 'part/README.md'}: {nothing}; {len(paths)} files"]
    for run in list(expand(params, "part"))[:7]:
        fabricate(params, run, tmp_path)
    write_report(params, "part", tmp_path, tmp_path / "figures", said.append)
    assert said[1:] == [f"{tmp_path / 'part/README.md'}: 7 of 30 runs; {len(paths)} files"]


@pytest.mark.slow
@pytest.mark.parametrize("study", ["several", "paper"])
def test_study_without_runs(params: Params, tmp_path: Path, study: str) -> None:
    paths = write_report(params, study, tmp_path / "results", tmp_path / "figures")
    assert all(path.stat().st_size for path in paths if path.suffix != ".csv")
    number = {"several": 4, "paper": 300}[study]
    page = (tmp_path / "results" / study / "README.md").read_text()
    assert f"0 of {number} runs." in page
    assert re.search(r"^UrbanSound8K: not enough runs yet for .*Figure 4", page, re.M)
    assert "without runs yet" not in page  # where no table has a run, none is folded away
    assert page.startswith(
        "# A trial: ESC-10, UrbanSound8K\n" if study == "several" else "# The SoundCLR paper: ESC-10, "
    )
    assert "Device" not in page
    assert "![" not in page
    assert {row["runs"] for row in read(tmp_path / "results" / study / "tables" / "table3.csv")} == {"0"}
    assert read(tmp_path / "results" / study / "confusion.csv") == []
    assert json.loads((tmp_path / "results" / study / "accuracy.json").read_text())["us8k"] == {}


@pytest.mark.slow
def test_dataset_without_runs_beside_one_with_runs(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "several"):
        if run.dataset == "us8k":
            fabricate(params, run, tmp_path / "results")
    paths = write_report(params, "several", tmp_path / "results", tmp_path / "figures")
    page = (tmp_path / "results/several/README.md").read_text()
    assert "UrbanSound8K, 10 classes, folds 1, 2 of 10" in page
    assert "figure4-us8k.png" in page
    assert "figure4-esc10.png" not in page
    assert re.search(r"^ESC-10: not enough runs yet for .*Figure 4", page, re.M)
    assert "without runs yet" not in page  # each table has rows of both datasets
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
        assert f", ESC-10](../../figures/trial/{name}-esc10.png)" in (full / "results/trial/README.md").read_text()
        # Nothing is cut off at the edges.
        assert np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).min() == 1.0
        assert pdf.read_bytes().startswith(b"%PDF-")
        assert b"CreationDate" not in pdf.read_bytes()


@pytest.mark.slow
def test_confusion_of_many_classes_shows_the_best_scheme(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "fifty"):
        fabricate(params, run, tmp_path, test_clips=50, skill=0.95 if run.recipe == "hybrid" else 0.5)
    write_report(params, "fifty", tmp_path, tmp_path / "figures")
    page = (tmp_path / "fifty/README.md").read_text()
    assert "the scheme with the highest mean accuracy" in page
    image = imread(tmp_path / "figures/fifty/confusion-esc50.png")
    assert image.shape[1] == 2100
    assert image.shape[0] > 1500


def test_a_class_that_a_fold_left_nothing_to_learn_of_is_said(params: Params, tmp_path: Path) -> None:
    """Of ten classes the last has clips in fold 1 alone; it is known once all folds' runs are there."""
    said = "class 'chainsaw' has no clip to learn from where fold 1 is held out"
    for run in [run for run in expand(params, "trial") if run.recipe == "hybrid" and run.seed == 0]:
        assert not any(said in fact for fact in study_facts(collect(params, "trial", tmp_path)))
        fabricate(params, run, tmp_path, test_clips=20 if run.fold == 1 else 9)
    assert any(said in fact for fact in study_facts(collect(params, "trial", tmp_path)))
