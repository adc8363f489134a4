"""The page of a person's own sounds: advice, wrong clips and F1, against clips written down by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame
from sklearn.metrics import f1_score

from soundclr.params import Params, read_params
from soundclr.report import catalogue
from soundclr.report.artefacts import own_sounds
from soundclr.report.artefacts.classes import f1_scores, macro_f1
from soundclr.report.collect import Collection, collect
from soundclr.run.runs import expand
from support.fabricate import fabricate, trial_params

CLASSES = ["owl", "robin", "wren"]
RECIPES = ["cross_entropy", "hybrid"]


def clips_of(answers: dict[str, Any]) -> DataFrame:
    """Clips by name: their class, source, and each recipe's answer with its probability."""
    rows = []
    for clip, (label, source, given) in answers.items():
        for recipe, (answer, probability) in zip(RECIPES, given, strict=True):
            row = {"dataset": "own", "recipe": recipe, "fold": 1, "seed": 0, "epoch": "last", "clip": clip}
            row |= {"source": source, "label": CLASSES.index(label), "prediction": answer, "class": label}
            row |= {"predicted": CLASSES[answer], "right": CLASSES[answer] == label}
            rest = (1 - probability) / 2
            rows.append(row | {f"p{i}": probability if i == answer else rest for i in range(3)})
    return DataFrame(rows)


@pytest.fixture
def make(repo: Path, tmp_path: Path) -> Callable[..., Collection]:
    """``make(clips, skill=0.97)``: a study of own sounds whose held-out clips are these."""

    def made(
        clips: DataFrame, skill: float = 0.97, baseline: float = 0.5, best: str = "hybrid", apart: float = 0.0
    ) -> Collection:
        table = tmp_path / "table.csv"
        table.write_text("path,label,fold\n" + "".join(f"{i}.wav,{CLASSES[i % 3]},{1 + i // 3}\n" for i in range(9)))
        content = read_params(repo / "params.yaml")
        content["datasets"]["own"] = {"title": "birds", "adapter": "csv", "file": str(table), "folds": 3}
        content["datasets"]["own"] |= {"sample_rate": 8000, "samples": 8000, "classes": 3}
        content["studies"]["own"] |= {
            "recipes": RECIPES,
            "settings": {"encoder": "small", "start": {"weights": "none"}},
        }
        params = Params.model_validate(content)
        for run in expand(params, "own"):
            share = baseline if run.recipe.startswith("baseline") else skill - 0.15 * (run.recipe != best)
            share -= apart * (run.fold == 2)
            fabricate(params, run, tmp_path / "results", test_clips=60, skill=share, classes=CLASSES)
        collection = collect(params, "own", tmp_path / "results")
        collection.__dict__["clips"] = clips
        return collection

    return made


def sentences(collection: Collection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in own_sounds.advice(collection).records:
        found.setdefault(row["kind"], []).append(row["advice"])
    return found


def many(label: str, count: int, answer: str | None = None, probability: float = 0.95) -> dict[str, Any]:
    """So many clips of a class, each of its own recording, all taken for ``answer``."""
    given = [(CLASSES.index(answer or label), probability)] * 2
    return {f"{label}/{answer}{i}.wav": (label, f"{label}{answer}{i}", given) for i in range(count)}


def test_wrong_clips_by_hand(make) -> None:
    clips = {
        **many("owl", 12),
        "robin/a.wav": ("robin", "a", [(2, 0.95), (2, 0.97)]),  # both are sure of the same
        "robin/b.wav": ("robin", "b", [(2, 0.95), (0, 0.97)]),  # of different ones
        "wren/c.wav": ("wren", "c", [(1, 0.7), (1, 0.45)]),  # not sure in the mean
        "wren/d.wav": ("wren", "d", [(2, 0.9), (1, 0.99)]),  # one is right
    }
    table = own_sounds.wrong_clips(make(clips_of(clips)))
    found = {row["clip"]: row for row in table.records}
    assert list(found) == ["robin/a.wav", "robin/b.wav", "wren/c.wav", "wren/d.wav"]
    assert [(row["wrong"], row["runs"]) for row in found.values()] == [(2, 2), (2, 2), (2, 2), (1, 2)]
    assert [row["suspect"] for row in found.values()] == ["yes", "no", "no", "no"]
    assert found["robin/a.wav"]["probability"] == pytest.approx(0.96)
    assert found["wren/c.wav"]["predicted"] == "robin"
    assert [cell.text for cell in table.rows[0]] == [
        "birds", "robin/a.wav", "robin", "wren", "2 of 2", "0.96", "may be mislabelled",
    ]  # fmt: skip


def test_f1_is_scikit_learns(make) -> None:
    clips = clips_of({**many("owl", 5), **many("robin", 3), **many("robin", 2, "wren"), **many("wren", 1, "owl")})
    theirs = f1_score(clips["label"], clips["prediction"], average=None)
    assert f1_scores(clips).to_numpy() == pytest.approx(100 * theirs)
    assert macro_f1(clips) == pytest.approx(100 * theirs.mean())
    table = own_sounds.f1(make(clips))
    rows = {(row["class"], row["recipe"]): row for row in table.records}
    assert rows["robin", "hybrid"]["f1_percent"] == pytest.approx(100 * theirs[1])
    assert (rows["robin", "hybrid"]["clips"], rows["robin", "hybrid"]["sources"]) == (5, 5)
    assert rows[own_sounds.MEAN, "hybrid"]["f1_percent"] == pytest.approx(100 * theirs.mean())


def test_a_class_that_a_scheme_has_not_held_out_yet_has_no_f1(make) -> None:
    """As while a study runs: one scheme has done the fold with the only wrens, the other has not."""
    clips = clips_of({**many("owl", 5), **many("wren", 1)})
    clips = clips[(clips["class"] == "owl") | (clips["recipe"] == "hybrid")]
    rows = {(row["class"], row["recipe"]): row["f1_percent"] for row in own_sounds.f1(make(clips)).records}
    assert rows["wren", "hybrid"] == 100
    assert rows["wren", "cross_entropy"] is None


def test_good_sounds_get_one_sentence(make) -> None:
    found = sentences(make(clips_of({**many("owl", 10), **many("robin", 10), **many("wren", 10)})))
    assert list(found) == ["use"]
    assert "guessing 33.33 %" in found["use"][0]


def test_each_trouble_has_its_sentence(make) -> None:
    clips = {**many("owl", 20), **many("robin", 8), **many("robin", 2, "wren"), **many("wren", 4)}
    clips |= {f"owl/same{i}.wav": ("owl", "one", [(0, 0.9)] * 2) for i in range(3)}
    found = sentences(make(clips_of(clips), skill=0.3, baseline=0.9))
    assert list(found) == ["none", "unlearnt", "few", "mixed_up", "suspect"]
    assert "No scheme is better than baseline: " in found["none"][0]
    assert len(found["unlearnt"]) == len(RECIPES)
    assert found["few"] == ["wren has 4 clips: add more, from other recordings."]
    assert found["mixed_up"] == ["robin is taken for wren in 20 % of its clips: add clips of both."]
    assert found["suspect"] == ["Listen to 2 clips in the table of wrong clips: the label may be wrong."]


def test_what_few_clips_do_not_tell_apart_is_named(make) -> None:
    clips = clips_of({**many("owl", 10), **many("robin", 10), **many("wren", 10)})
    near = sentences(make(clips, skill=0.9, baseline=0.6, apart=0.3))
    assert near["use"][0].startswith("Use hybrid")
    assert near["unsure"][0].startswith("30 clips do not tell it from ") and "baseline" in near["unsure"][0]
    assert "unsure" not in sentences(make(clips, baseline=0.6))


def test_only_the_best_scheme_s_mistakes_become_advice(make) -> None:
    """Of ten robins hybrid takes six for a wren, cross-entropy none."""
    clips = {**many("owl", 10), **many("robin", 4), **many("wren", 10)}
    clips |= {f"robin/{i}.wav": ("robin", f"r{i}", [(1, 0.9), (2, 0.9)]) for i in range(6)}
    assert "mixed_up" in sentences(make(clips_of(clips), best="hybrid"))
    assert "mixed_up" not in sentences(make(clips_of(clips), best="cross_entropy"))


def test_few_recordings(make) -> None:
    clips = {f"owl/{i}.wav": ("owl", f"{i % 2}", [(0, 0.9)] * 2) for i in range(12)}
    found = sentences(make(clips_of({**clips, **many("robin", 12), **many("wren", 12)})))
    assert found["few"] == ["owl has 12 clips, of 2 recordings: add more, from other recordings."]


def test_only_own_sounds_have_them(repo: Path) -> None:
    params = trial_params(repo)
    names = {"advice", "f1", "wrong_clips"}
    assert not names & {one.name for one in catalogue.tables_of(params, "esc10")}
    assert catalogue.has_own_sounds(params, "own")
    assert not catalogue.has_own_sounds(params, "esc50")
