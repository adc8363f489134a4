"""A study's page: what it shows of tables and figures without runs."""

from collections.abc import Sequence
from pathlib import Path

from soundclr.report.captions import Part
from soundclr.report.catalogue import ARTEFACTS
from soundclr.report.collect import Collection
from soundclr.report.page import table_page, tables_and_figures
from soundclr.report.table import Column, Table, frame_of


def table(title: str, runs: Sequence[int]) -> Part:
    frame = frame_of({"runs": one} for one in runs)
    artefact = next(one for one in ARTEFACTS if (one.kind, one.title) == ("table", title))
    return Part(artefact, "A caption.", [], True, Table(frame, ["runs"], [Column("runs", "runs")], "A caption."))


def figure(name: str, dataset: str, there: bool) -> Part:
    artefact = next(one for one in ARTEFACTS if (one.kind, one.name) == ("figure", name))
    return Part(artefact, "A caption.", [], there, path=Path(f"{name}-{dataset}.png"), dataset=dataset)


def test_tables_without_runs_are_folded_away_beside_one_with_runs(everything: Collection) -> None:
    none, some = table("Table III", [0, 0]), table("Protocols", [0, 3])
    first, second = tables_and_figures(everything, [none, some], Path())
    assert first.startswith("**Table III.**")
    assert "<summary>2 rows, without runs yet</summary>" in first
    assert "<details>" not in second
    assert not any("<details>" in text for text in tables_and_figures(everything, [none, none], Path()))


def test_a_long_table_is_folded_away_but_not_the_claims(everything: Collection) -> None:
    claims, other = (table(title, [1] * 26) for title in ("The paper's claims", "Protocols"))
    (first,), (second,) = (tables_and_figures(everything, [part], Path()) for part in (claims, other))
    assert "<details>" not in first and "<summary>26 rows</summary>" in second


def test_a_table_without_rows_says_so(everything: Collection) -> None:
    assert "\n\nNo rows.\n" in table_page(everything, table("Table III", []))
    assert "\n\n| runs |\n" in table_page(everything, table("Table III", [1]))


def test_figures_without_runs_are_one_line_a_dataset(everything: Collection) -> None:
    parts = [figure("calibration", "esc10", there=False), figure("curves", "esc10", there=True)]
    parts += [figure(name, "us8k", there=False) for name in ("calibration", "curves")]
    shown, *lines = tables_and_figures(everything, parts, Path())
    assert shown.startswith("![Training curves, ESC-10](curves-esc10.png)\n\nA caption.")
    assert lines == [
        "ESC-10: not enough runs yet for Calibration.",
        "UrbanSound8K: not enough runs yet for Calibration, Training curves.",
    ]
