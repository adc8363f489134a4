"""The tables beyond the paper, against small computations made here."""

import csv
import io
import itertools
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from soundclr.params import Params
from soundclr.report.artefacts.comparison import comparisons, pairs_to_draw
from soundclr.report.collect import Collection, collect
from soundclr.report.intervals import wilcoxon_p
from support.byhand import FOLDS, SEEDS, best, evaluations, last, make, near, rows, said, texts


def test_comparison_numbers(everything: Collection, toy_results: Path) -> None:
    lines = {(line["first"], line["second"]): line for line in rows(everything, "comparison")}
    assert list(lines) == [
        ("supervised_contrastive", "cross_entropy"),
        ("hybrid", "cross_entropy"),
        ("hybrid", "supervised_contrastive"),
    ]
    for (first, second), line in lines.items():
        ours, theirs = said(toy_results, "everything", first), said(toy_results, "everything", second)
        places = sorted(ours.keys() & theirs.keys())
        assert line["pairs"] == str(len(places)) == ("6" if "supervised_contrastive" not in (first, second) else "5")
        for which, value in (("best_epoch", best), ("last_epoch", last)):
            differences = [value(ours[place]) - value(theirs[place]) for place in places]
            mean = fold_mean(dict(zip(places, differences, strict=True)))
            assert float(line[f"{which}_difference_points"]) == near(mean)
            assert float(line[f"{which}_p"]) == near(signed_rank_p(differences), 4)
    # Three folds of two seeds; 4.3027 is Student's t of two degrees of freedom.
    ours, theirs = said(toy_results, "everything", "hybrid"), said(toy_results, "everything", "cross_entropy")
    folds = [statistics.fmean(best(ours[fold, s]) - best(theirs[fold, s]) for s in SEEDS) for fold in FOLDS]
    line = lines["hybrid", "cross_entropy"]
    half = 4.3027 * statistics.stdev(folds) / 3**0.5
    assert float(line["best_epoch_low_points"]) == near(statistics.fmean(folds) - half)
    assert float(line["best_epoch_high_points"]) == near(statistics.fmean(folds) + half)
    assert "p cannot be below 0.0625 where pairs are 5." in make(everything, "comparison").caption


def fold_mean(values: dict[tuple[int, int], float]) -> float:
    """The mean over folds of (fold, seed) -> value, each fold the mean of its seeds."""
    folds = {fold for fold, _ in values}
    return statistics.fmean(statistics.fmean(v for (f, _), v in values.items() if f == fold) for fold in folds)


def signed_rank_p(differences: Sequence[float]) -> float:
    """The two-sided signed-rank test by going through all signs; pairs without a difference are left out."""
    values = [round(value, 6) for value in differences if round(value, 6)]
    if not values:
        return 1.0
    sizes = sorted(map(abs, values))
    ranks = [statistics.fmean(i + 1 for i, size in enumerate(sizes) if size == abs(value)) for value in values]
    middle = sum(ranks) / 2
    found = abs(sum(rank for rank, value in zip(ranks, values, strict=True) if value > 0) - middle)
    signs = list(itertools.product((0, 1), repeat=len(ranks)))
    sums = [abs(sum(r * s for r, s in zip(ranks, sign, strict=True)) - middle) for sign in signs]
    return sum(value >= found - 1e-9 for value in sums) / len(signs)


def test_comparison_without_differences() -> None:
    assert wilcoxon_p((0.0, 0.0, 0.0)) == 1.0


@pytest.mark.parametrize(("schemes", "pairs"), [("abc", 3), ("abcd", 6), ("abcde", 4)])
def test_a_figure_of_many_schemes_compares_them_with_the_first(schemes: str, pairs: int) -> None:
    two = itertools.combinations(schemes, 2)
    found = pairs_to_draw(pd.DataFrame([{"first": first, "second": second} for second, first in two]))
    assert len(found) == pairs
    assert set(found[found["second"] == "a"]["first"]) == set(schemes[1:])


def test_comparison_of_nothing(toy: Params, tmp_path: Path) -> None:
    collection = collect(toy, "everything", tmp_path)
    assert len(comparisons(collection, "esc10")) == 0
    assert "No two schemes have a run of the same fold and seed yet." in make(collection, "comparison").caption


def test_protocols_numbers(everything: Collection, toy_results: Path) -> None:
    lines = {line["recipe"]: line for line in rows(everything, "protocols")}
    assert list(lines) == ["cross_entropy", "supervised_contrastive", "hybrid"]
    for recipe, line in lines.items():
        runs = said(toy_results, "everything", recipe)
        gains = {place: best(metrics) - last(metrics) for place, metrics in runs.items()}
        assert line["runs"] == str(len(runs))
        assert float(line["best_epoch_percent"]) == near(fold_mean({p: best(m) for p, m in runs.items()}))
        assert float(line["best_minus_last_points"]) == near(fold_mean(gains))
        assert (float(line["least_points"]), float(line["greatest_points"])) == (
            near(min(gains.values())),
            near(max(gains.values())),
        )
        inner = said(toy_results, "everything", f"{recipe}_inner")
        assert (line["inner_runs"], line["pairs"]) == (("0", "0") if recipe == "supervised_contrastive" else ("2", "2"))
        if inner:
            assert float(line["inner_percent"]) == near(statistics.fmean(map(best, inner.values())))
            pairs = [best(runs[place]) - best(inner[place]) for place in inner]
            assert float(line["best_minus_inner_points"]) == near(statistics.fmean(pairs))
    assert lines["hybrid"]["inner_recipe"] == "hybrid_inner"
    assert "(4 of 4 runs)" in make(everything, "protocols").caption


def test_per_class_numbers(everything: Collection, toy_results: Path) -> None:
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for metrics in said(toy_results, "everything", "hybrid").values():
        for row in csv.DictReader(io.StringIO((metrics["path"] / "predictions.csv").read_text())):
            name = metrics["classes"][int(row["label"])]
            predicted = max(metrics["classes"], key=lambda c: float(row[c]))
            right[name, row["epoch"]].append(predicted == name)
    lines = {line["class"]: line for line in rows(everything, "per_class") if line["recipe"] == "hybrid"}
    assert len(lines) == 10
    for name, line in lines.items():
        assert line["clips"] == "12" == str(len(right[name, "best"]))
        for epoch in ("best", "last"):
            assert float(line[f"{epoch}_epoch_percent"]) == near(100 * statistics.fmean(right[name, epoch]))


def test_robustness_numbers(toy: Params, everything: Collection, toy_results: Path) -> None:
    lines = rows(everything, "robustness")
    noises = len(toy.evaluation.sigmas) + 2 * (len(toy.evaluation.snr) + 1)
    assert len(lines) == 3 * noises
    for line in lines:
        found = evaluations(toy_results, line["recipe"])
        assert line["runs"] == str(len(found)) == ("2" if line["recipe"] == "cross_entropy" else "3")
        values = []
        for evaluation in found:
            heard = [h for h in evaluation["accuracy"] if h["noise"] == line["noise"]]
            if line["measure"] == "area":
                points = sorted((h["snr_db"], h["accuracy"]) for h in heard if h["snr_db"] is not None)
                steps = [(b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points)]
                values.append(100 * sum(steps) / (points[-1][0] - points[0][0]))
            else:
                key = "sigma" if line["sigma"] else "snr_db"
                values += [100 * h["accuracy"] for h in heard if h[key] is not None and h[key] == float(line[key])]
        assert len(values) == len(found)
        assert float(line["accuracy_percent"]) == near(statistics.fmean(values))
        assert float(line["std_percent"]) == near(statistics.stdev(values))
    table = make(everything, "robustness")
    assert "8 of 9 runs evaluated" in table.caption
    assert [row[2] for row in texts(table)[:5]] == ["σ = 0", "σ = 0.0001", "σ = 0.0005", "σ = 0.001", "30 dB"]


def test_distances_numbers(everything: Collection, toy_results: Path) -> None:
    for line in rows(everything, "distances"):
        found = evaluations(toy_results, line["recipe"])
        assert line["runs"] == str(len(found))
        for name in ("intra", "inter", "ratio", "silhouette"):
            values = [evaluation["distances"][name] for evaluation in found]
            assert float(line[f"{name}_mean"]) == near(statistics.fmean(values), 4)
            assert float(line[f"{name}_std"]) == near(statistics.stdev(values), 4)
