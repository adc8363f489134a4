"""A study that has every table and figure, really trained and evaluated, at toy size; nothing here is made up."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from soundclr.evaluation.job import evaluate_job
from soundclr.params import Params, read_params
from soundclr.report.catalogue import report_paths
from soundclr.report.write import write_report
from soundclr.run import runs
from soundclr.training.job import Paths, run_job
from support import toy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    """The toy with the paper's mask grid and alphas, the steps of its ladder that need no weights, and inner folds."""
    content = toy.content(repo)
    paper = read_params(repo / "params.yaml")["studies"]["paper"]["artefacts"]
    content["studies"]["toy"]["artefacts"] = {
        "table1": {"folds": [1], "recipes": ["masks"]},
        "table2": {"folds": [1], "recipes": paper["table2"]["recipes"]},
        "figure3": {"recipes": ["scratch_1_channel", "scratch_3_channels", "masks_f0_t0", "cross_entropy"]},
        "protocols": {"recipes": ["cross_entropy_inner", "supervised_contrastive_inner", "hybrid_inner"]},
    }
    content["studies"]["toy"]["evaluate"] = {}
    # The toy's own widths would make two of the grid's settings one: the grid names all of its widths itself.
    for mask in ("frequency_mask", "time_mask"):
        del content["studies"]["toy"]["settings"]["augmentations"][mask]["width"]
    content["studies"]["toy"]["settings"]["training"]["epochs"] = 2
    return Params.model_validate(content)


@pytest.fixture(scope="module")
def study(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the study's runs, evaluations and report."""
    folder = tmp_path_factory.mktemp("all")
    features = toy.write_features(runs.features_path(params, "toy", folder / "data"))
    paths, device = Paths(features, None, folder / "results"), torch.device("cpu")
    for run in runs.expand(params, "toy"):
        run_job(run, params, paths, device)
    for run in runs.evaluated(params, "toy"):
        evaluate_job(run, params, features, paths.results, device)
    write_report(params, "toy", folder / "results", folder / "figures")
    return folder


def table(study: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(study / "results/toy/tables" / f"{name}.csv")


def test_every_file_is_there(study: Path, params: Params) -> None:
    paths = report_paths(params, "toy", study / "results", study / "figures")
    assert [path for path in paths if not path.stat().st_size] == []
    names = {path.stem.split("-")[0] for path in paths}
    assert names >= {f"table{n}" for n in (1, 2, 3, 4)} | {f"figure{n}" for n in (3, 4, 5)}
    assert names >= {"comparison", "protocols", "robustness", "per_class", "distances", "noise_snr", "representations"}


def test_the_page_has_every_run(study: Path, params: Params) -> None:
    expected = len(list(runs.expand(params, "toy")))
    page = (study / "results/toy/README.md").read_text()
    assert f"{expected} of {expected} runs" in page
    assert "not enough runs yet" not in page


def test_table_1_has_48_cells_from_40_recipes(study: Path) -> None:
    cells = table(study, "table1")
    assert len(cells) == 48
    assert cells["recipe"].nunique() == 40
    assert cells.filter(like="best_epoch").notna().all().all()


def test_table_2_has_five_alphas(study: Path) -> None:
    assert sorted(table(study, "table2")["alpha"]) == [0.01, 0.25, 0.5, 0.75, 0.99]


def test_the_protocol_with_an_inner_fold_is_shown(study: Path) -> None:
    protocols = table(study, "protocols")
    inner = protocols.filter(like="inner").select_dtypes("number")
    assert not inner.empty
    assert inner.notna().all().all()
