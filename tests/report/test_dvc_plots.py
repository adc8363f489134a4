"""What `dvc metrics` and `dvc plots` show, held against sums done here by hand."""

import csv
import io
import json
import shutil
import statistics
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from soundclr.params import Params
from soundclr.report.collect import collect
from soundclr.report.dvc_plots import accuracies as accuracies_of_schemes
from soundclr.report.dvc_plots import confusion_csv, mean_history
from soundclr.run.runs import expand
from support.byhand import accuracies, read
from support.fabricate import edit, fabricate


def test_accuracies_for_dvc_metrics(full: Path) -> None:
    rows = read(full / "results/trial/tables/table3.csv")
    expected = {"esc10": {row["recipe"]: float(row["last_epoch_mean_percent"]) for row in rows}}
    assert json.loads((full / "results/trial/accuracy.json").read_text()) == expected


def test_a_scheme_with_missing_runs_is_not_among_them(params: Params, full: Path, tmp_path: Path) -> None:
    shutil.copytree(full / "results", tmp_path / "results")
    shutil.rmtree(
        next(run for run in expand(params, "trial") if run.recipe == "hybrid").directory(tmp_path / "results")
    )
    found = accuracies_of_schemes(collect(params, "trial", tmp_path / "results"))
    assert set(found["esc10"]) == {"cross_entropy", "supervised_contrastive"}


def test_accuracy_per_fold(params: Params, full: Path) -> None:
    found = accuracies(full / "results", "trial")
    rows = read(full / "results/trial/accuracy_per_fold.csv")
    assert len(rows) == 75
    for row in rows:
        entry = found[row["dataset"], row["recipe"]][int(row["seed"])][int(row["fold"])]
        assert float(row["best_epoch"]) == pytest.approx(100 * entry["best_epoch"], abs=0.00501)
        assert float(row["last_epoch"]) == pytest.approx(100 * entry["last_epoch"], abs=0.00501)


def test_curves_are_means_over_runs(full: Path) -> None:
    values = defaultdict(list)
    for path in sorted((full / "results/trial/runs").glob("*/supervised_contrastive-*/*/history.csv")):
        for row in read(path):
            values[row["stage"], row["epoch"]].append(row)
    rows = [r for r in read(full / "results/trial/curves.csv") if r["recipe"] == "supervised_contrastive"]
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
    history = mean_history(collect(params, "one", tmp_path).epochs)
    assert list(history["elapsed"]) == list(range(1, 13))
    assert list(history["runs"]) == [2, 2, 2, 1, 1, 1, *[2] * 6]


def test_confusion_counts_every_held_out_clip(params: Params, full: Path) -> None:
    """The pairs of class and predicted class, from predictions.csv by hand; the diagonal is the accuracy."""
    pairs: Counter = Counter()
    for path in (full / "results/trial/runs").glob("*/hybrid-*/*/predictions.csv"):
        for row in read(path):
            classes = list(row)[4:]
            if row["epoch"] == "best":
                predicted = max(classes, key=lambda name: float(row[name]))
                pairs[classes[int(row["label"])], predicted] += 1
    rows = read(full / "results/trial/confusion.csv")
    assert Counter((r["actual"], r["predicted"]) for r in rows if r["recipe"] == "hybrid") == pairs
    assert {row["clips"] for row in rows} == {"1"}
    assert len(rows) == 75 * 20

    text = confusion_csv(collect(params, "trial", full / "results"), most=10)
    counted = list(csv.DictReader(io.StringIO(text)))
    assert {row["fold"] for row in counted} == {""}
    hybrid = {(r["actual"], r["predicted"]): int(r["clips"]) for r in counted if r["recipe"] == "hybrid"}
    assert hybrid == pairs
