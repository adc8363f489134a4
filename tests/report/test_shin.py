"""Shin's tables: ours beside the paper's, pairs over folds, and rows whose weights are not here."""

import csv
import json
import statistics
from collections import Counter
from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import Params, read_params
from soundclr.report.catalogue import check_artefacts, figures_of, tables_of
from soundclr.report.claims.table import make as claims
from soundclr.report.collect import collect
from soundclr.report.papers.shin.reading import ROWS, paper_percent
from soundclr.report.papers.shin.tables import shin_pairs as pairs
from soundclr.report.papers.shin.tables import shin_table1 as table1
from soundclr.report.papers.shin.tables import shin_table2 as table2
from soundclr.report.write import write_report
from soundclr.run.runs import expand
from soundclr.training.schedule import SCHEDULES
from support.fabricate import fabricate, trial_params

FINE_TUNED = ["vanilla", "supervised", "self_supervised"]
STUDY = {
    "paper": "shin",
    "datasets": ["esc10", "esc50"],
    "folds": [1, 2, 3],
    "seeds": [0],
    "recipes": ["linear_self_supervised", "linear_supervised"],
    "optional_weights": ["simclr_v1"],
    "settings": {"start": {"weights": "imagenet_pqf"}, "training": {"epochs": 3, "patience": 3}},
    "artefacts": {
        "shin_table1": {"datasets": ["esc10"], "recipes": FINE_TUNED},
        "shin_one_fold": {"datasets": ["esc50"], "folds": [1], "recipes": FINE_TUNED},
        "shin_table2": {},
    },
}
SKILL = {"vanilla": 0.6, "supervised": 0.9}


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return trial_params(repo, rows=STUDY)


@pytest.fixture(scope="module")
def results(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs but those from the weights that are not here."""
    folder = tmp_path_factory.mktemp("shin") / "results"
    for run in expand(params, "rows"):
        if "self_supervised" not in run.recipe:
            fabricate(params, run, folder, test_clips=50, skill=SKILL.get(run.recipe, 0.8))
    return folder


@pytest.fixture(scope="module")
def collection(params: Params, results: Path):
    return collect(params, "rows", results)


def cells(table):
    """The page's rows by dataset and row, as a mapping from heading to text."""
    names = [column.heading for column in table.page]
    rows = [dict(zip(names, [cell.text for cell in row], strict=True)) for row in table.rows]
    return {(row["dataset"], row["row"]): row for row in rows}


def accuracies(results: Path, dataset: str, recipe: str, epoch: str = "best_epoch") -> dict[str, float]:
    """By the run's folder, in percent."""
    found = results.glob(f"rows/runs/{dataset}/{recipe}-*/*/metrics.json")
    return {path.parent.name: 100 * json.loads(path.read_text())["accuracy"][epoch] for path in found}


def test_published_is_the_papers(repo: Path) -> None:
    text = (repo / "src/soundclr/report/papers/shin/published.csv").read_text()
    lines = list(csv.DictReader(text.splitlines()))
    assert len(lines) == 15
    own = {"GTZAN": "gtzan", "ESC-50": "esc50", "US8K": "us8k_22k"}
    rows = {"linear_evaluation": "linear_self_supervised"}
    for line in lines:
        found = paper_percent(own[line["dataset"]], rows.get(line["row"], line["row"]))
        assert found == float(line["accuracy_percent"])
    assert paper_percent("esc50_ogg", "vanilla_quick") == 78.25
    assert paper_percent("esc10", "vanilla") is paper_percent("esc50", "linear_random") is None


def test_table1_has_means_over_folds_and_what_is_missing(collection, results) -> None:
    found = cells(table1(collection))
    assert list(found) == [(d, r) for d in ("ESC-10", "ESC-50") for r in ("vanilla", "supervised", "self-supervised")]
    vanilla = found["ESC-10", "vanilla"]
    assert vanilla["best epoch"] == f"{statistics.fmean(accuracies(results, 'esc10', 'vanilla').values()):.2f}"
    assert (vanilla["folds"], vanilla["runs"], vanilla["paper"]) == ("3 of 5", "3 of 3", "–")
    one = found["ESC-50", "supervised"]
    assert (one["folds"], one["runs"], one["paper"]) == ("1 of 5", "1 of 1", "90.55")
    (value,) = accuracies(results, "esc50", "supervised").values()
    assert one["difference"].replace("−", "-") == f"{value - 90.55:+.2f}"
    missing = found["ESC-50", "self-supervised"]
    assert (missing["best epoch"], missing["last epoch"], missing["runs"]) == ("weights not here",) * 2 + ("0 of 1",)
    assert missing["paper"] == "90.15" and missing["difference"] == "–"
    assert "weights not here: no runs, because the file" in table1(collection).caption


def test_table2_has_a_row_for_each_kind_of_weights(collection) -> None:
    found = cells(table2(collection))
    assert found["ESC-50", "linear evaluation, self-supervised"]["paper"] == "63.40"
    assert found["ESC-50", "linear evaluation, self-supervised"]["best epoch"] == "weights not here"
    assert found["ESC-50", "linear evaluation, supervised"]["runs"] == "3 of 3"


def test_pairs_are_of_the_same_folds(collection, results) -> None:
    rows = list(csv.DictReader(pairs(collection).to_csv().splitlines()))
    places = {(row["dataset"], row["first"], row["second"]): row for row in rows}
    assert not [place for place in places if "self_supervised" in place[1] + place[2].replace("linear_", "")]
    row = places["esc10", "supervised", "vanilla"]
    ours, theirs = (accuracies(results, "esc10", recipe) for recipe in ("supervised", "vanilla"))
    differences = [ours[fold] - theirs[fold] for fold in theirs]
    assert float(row["best_epoch_points"]) == pytest.approx(statistics.fmean(differences), abs=0.005)
    assert (row["pairs"], row["paper_points"]) == ("3", "")
    half = 4.302653 * statistics.stdev(differences) / 3**0.5
    assert float(row["best_epoch_low_points"]) == pytest.approx(statistics.fmean(differences) - half, abs=0.006)
    one = places["esc50", "supervised", "vanilla"]
    assert (one["pairs"], one["best_epoch_low_points"], one["paper_points"]) == ("1", "", "12.30")
    assert ("esc50", "linear_supervised", "supervised") in places  # on the fold that both have


def test_claims_by_hand(collection, results) -> None:
    """On ESC-10, of which the paper says nothing, three folds; on ESC-50 one run a side, which decides nothing."""
    table = csv.DictReader(claims(collection).to_csv().splitlines())
    lines = {(line["claim"], line["dataset"]): line for line in table}
    ours, theirs = (accuracies(results, "esc10", recipe, "last_epoch") for recipe in ("supervised", "vanilla"))
    helped = lines["supervised_helps", "esc10"]
    assert float(helped["difference"]) == pytest.approx(statistics.fmean(ours[f] - theirs[f] for f in ours), abs=0.01)
    assert (helped["kind"], helped["paper_difference"]) == ("also asked", "")
    assert lines["supervised_helps", "esc50"]["paper_difference"] == "12.30"
    linear = accuracies(results, "esc10", "linear_supervised", "last_epoch")
    below = lines["linear_supervised_below", "esc10"]
    expected = statistics.fmean(theirs[fold] - linear[fold] for fold in linear)
    assert float(below["difference"]) == pytest.approx(expected, abs=0.01)
    wanted = ("claim", "not whole")
    for claim, said in {"images_help": wanted, "similar": wanted, "linear_below": ("also asked", "no verdict")}.items():
        line = lines[claim, "esc50"]
        assert (line["kind"], line["verdict"]) == said
        assert int(line["runs"]) < int(line["expected_runs"])


def test_a_study_shows_the_tables_of_its_own_paper(params: Params) -> None:
    names = {study: {one.name for one in tables_of(params, study)} for study in ("rows", "trial")}
    assert {"shin_table1", "shin_table2", "shin_pairs", "comparison"} <= names["rows"]
    assert not {"table3", "table4"} & names["rows"]
    assert {"table3", "table4"} <= names["trial"] and not [name for name in names["trial"] if "shin" in name]


def test_a_paper_that_there_is_not_is_one_line(repo: Path) -> None:
    with pytest.raises(UserError, match=r"unknown paper in studies\.rows\.paper: 'shn'; did you mean 'shin'"):
        check_artefacts(trial_params(repo, rows=STUDY | {"paper": "shn"}))


@pytest.mark.slow
def test_the_page_says_what_is_missing(params: Params, results: Path, tmp_path: Path) -> None:
    write_report(params, "rows", results, tmp_path)
    page = (results / "rows" / "README.md").read_text()
    assert "Optional weights that are missing: simclr\\_v1; 10 runs are skipped." in page
    assert page.count("weights not here") > 5 and "Table 1" in page and "Table III" not in page


def test_clips_of_esc10_are_in_the_same_folds_of_esc50(repo: Path) -> None:
    """So weights from ESC-50's training folds have seen no clip of ESC-10's held-out fold.

    Of four recordings, as their names have it, ESC-50 itself has clips in two folds.
    """

    def folds(name: str) -> dict[str, tuple[str, str]]:
        """Each clip's fold and recording, which are in its name, by its SHA-256."""
        text = (repo / f"src/soundclr/datasets/manifests/{name}.csv").read_text()
        rows = list(csv.DictReader(text.splitlines()))
        return {row["sha256"]: tuple(Path(row["path"]).stem.split("-")[:2]) for row in rows}

    ten, fifty = folds("esc10"), folds("esc50_ogg")
    assert len(ten) == 400 and len(fifty) == 2000 and ten.items() <= fifty.items()
    for fold in "12345":
        held_out = {clip for clip, (its, _) in ten.items() if its == fold}
        assert len(held_out) == 80 and not held_out & {clip for clip, (its, _) in fifty.items() if its != fold}
    shared = {mine[1] for mine in ten.values() for its in fifty.values() if mine[1] == its[1] and mine[0] != its[0]}
    assert shared == {"131943", "134049", "209698", "234879"}


def test_recipes_from_sounds_start_from_esc50s_run_of_the_same_fold(repo: Path) -> None:
    params = trial_params(repo, rows=STUDY | {"datasets": ["esc10", "esc50_ogg"]})
    for dataset in ("esc10", "esc50_ogg"):
        for recipe in ("from_sounds", "linear_from_sounds"):
            assert params.origins("rows", dataset, recipe) == [("esc50_ogg", "contrastive_sounds")]


def test_the_published_rows_are_recipes(repo: Path) -> None:
    assert ROWS.keys() <= read_params(repo / "params.yaml")["recipes"].keys()


def test_the_studies_are_as_large_as_their_tables(repo: Path) -> None:
    """By hand: a run of GTZAN's two splits each, five folds of ESC-50, ten of UrbanSound8K; and a baseline of each."""
    params = Params.model_validate(read_params(repo / "params.yaml"))
    splits = 1 + 1 + 5 + 10

    def count(study: str) -> Counter[str]:
        kinds = {"pretraining": "pretraining", "linear": "probe", "fine_tuning": "fine-tuning"}
        settings = {(r.dataset, r.recipe): params.resolve(study, r.dataset, r.recipe) for r in expand(params, study)}
        return Counter(kinds[settings[r.dataset, r.recipe].stages[-1].name] for r in expand(params, study))

    assert count("shin") == {"fine-tuning": 3 * splits + 5, "probe": 3 * splits + 5 + splits, "pretraining": 5}
    assert count("shin_quick") == {"fine-tuning": 3 * 5 + 3 * 1 + 2, "probe": 3 * 2 * 5 + 2 + 2 * 5, "pretraining": 1}


def test_the_networks_differ_in_their_start_alone(repo: Path) -> None:
    params = Params.model_validate(read_params(repo / "params.yaml"))
    for dataset, width in (("gtzan", 1500), ("esc50", 250), ("us8k_22k", 250)):
        rows = [params.resolve("shin", dataset, recipe) for recipe in FINE_TUNED]
        assert [row.start.weights for row in rows] == ["none", "imagenet1k_v1", "simclr_v1"]
        assert len({row.model_copy(update={"start": None}).model_dump_json() for row in rows}) == 1
        (stage,) = rows[0].stages
        assert (stage.training.epochs, stage.training.batch_size, stage.training.lr) == (140, 32, 1e-4)
        assert (stage.optimizer.name, stage.optimizer.parameters["weight_decay"]) == ("adam", 1e-3)
        assert rows[0].representation.parameters["width"] == width
        steps = SCHEDULES["steps"](**stage.schedule.parameters)
        assert [steps.factor(epoch, 140) for epoch in (59, 60, 119, 120)] == pytest.approx([1, 0.1, 0.1, 0.01])
    quick = params.resolve("shin_quick", "esc10", "supervised_quick")
    linear = params.resolve("shin_quick", "esc10", "linear_supervised")
    sizes = [(s.representation.parameters["bands"], s.representation.parameters["width"]) for s in (quick, linear)]
    assert sizes == [(64, 125), (128, 250)]


def test_what_is_solved_at_once_has_no_curve(repo: Path) -> None:
    params = load_checked(repo / "params.yaml")
    assert "curves" not in {artefact.name for artefact in figures_of(params, "shin_quick", "esc10")}
    shown = {artefact.name: artefact for artefact in figures_of(params, "shin", "esc50")}
    collection = collect(params, "shin", repo / "nowhere")
    assert set(collection.only(shown["curves"].includes).recipes) == set(FINE_TUNED)
    assert {"linear_random"} < set(collection.only(shown["confusion"].includes).recipes) - set(FINE_TUNED)
