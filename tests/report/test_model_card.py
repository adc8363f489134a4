"""The model card says what the runs' records and params.yaml say."""

import statistics
from collections import defaultdict
from pathlib import Path

from soundclr.params import Params
from soundclr.report.collect import Collection, collect
from soundclr.report.model_card import model_card
from soundclr.run.runs import expand
from support.fabricate import fabricate, trial_params


def row(card: str, *begins: str) -> list[str]:
    """The cells of the table's line that begins so."""
    (line,) = [line for line in card.splitlines() if line.startswith(f"| {' | '.join(begins)} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_accuracy_by_hand(everything: Collection) -> None:
    """Of cross-entropy: seed by seed the mean over folds, their mean and standard deviation; the hardest class."""
    results = everything.finished("esc10", "cross_entropy")
    seeds = [
        [100 * result.metrics.accuracy.last_epoch for result in results if result.run.seed == seed] for seed in (0, 1)
    ]
    means = [statistics.fmean(values) for values in seeds]
    found = row(model_card(everything), "ESC-10", "cross-entropy")
    assert found[2] == "6 of 6"
    assert found[4] == f"{statistics.fmean(means):.2f} ± {statistics.stdev(means):.2f}"
    right = defaultdict(list)
    for result in results:
        for clip in result.at("last").to_dict("records"):
            guess = max(result.metrics.classes, key=lambda name, clip=clip: clip[name])
            label = result.metrics.classes[clip["label"]]
            right[label].append(100 * (guess == label))
    right = {name: statistics.fmean(shares) for name, shares in right.items()}
    name, share = found[5].split(", ")
    assert float(share) == round(min(right.values()), 2) == round(right[name.replace(" ", "_")], 2)


def test_data_weights_and_licences(everything: Collection) -> None:
    card = model_card(everything)
    assert row(card, "ESC-10", "CC BY 3.0")[2] == "5 s at 44,100 Hz, mono"
    assert "Classes of ESC-10: dog bark, rooster, rain, " in card
    weights = everything.params.weights["imagenet_pqf"]
    cells = ["resnet50", weights.title, "Uber Non-Commercial", weights.files["resnet50"].sha256]
    assert row(card, "resnet50") == cells


def test_limits_are_those_of_the_study(everything: Collection) -> None:
    """Two seeds, and noise in the middle of the ratios: the mean over the evaluations there are."""
    card = model_card(everything)
    assert "one seed" not in card and "The study: made up." in card
    ratios = sorted(everything.params.evaluation.snr)
    middle = ratios[len(ratios) // 2]
    heard = [
        100 * one.accuracy
        for evaluation in everything.evaluated("esc10", "hybrid")
        for one in evaluation.record.accuracy
        if (one.noise, one.snr_db) == ("pink", middle)
    ]
    (line,) = [line for line in card.splitlines() if "pink noise" in line]
    assert line.startswith(f"- Accuracy under pink noise at {middle:g} dB on ESC-10: ")
    assert f"{statistics.fmean(heard):.2f} % (hybrid (SoundCLR))" in line


def test_one_seed_and_what_params_does_not_say(repo: Path, tmp_path: Path) -> None:
    """A dataset without a stated licence, an encoder from scratch; half of the runs."""
    scratch = {"start": {"weights": "none"}, "training": {"epochs": 2, "patience": 2}}
    params = trial_params(repo, one={"seeds": [0], "recipes": ["hybrid"], "folds": [1, 2], "settings": scratch})
    content = params.model_dump(mode="json")
    del content["datasets"]["esc10"]["licence"]
    params = Params.model_validate(content)
    fabricate(params, next(expand(params, "one")), tmp_path)
    card = model_card(collect(params, "one", tmp_path))
    assert row(card, "ESC-10", "not stated") and row(card, "resnet50")[1:] == ["random", "–", "–"]
    assert "1 of 2 runs" in card and "There is one seed" in card and "noise" not in card


def test_a_study_without_runs(everything: Collection, tmp_path: Path) -> None:
    card = model_card(collect(everything.params, "everything", tmp_path))
    assert "0 of " in card and "## Accuracy" not in card and "## Limits" in card


def test_a_licence_does_not_change_the_hash_of_a_dataset(repo: Path) -> None:
    from soundclr.run.runs import definition_hash

    source = trial_params(repo).datasets["esc50"]
    assert definition_hash(source) == definition_hash(source.model_copy(update={"licence": "another"}))
