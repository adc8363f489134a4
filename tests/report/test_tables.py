"""Tables I to IV against small computations made here, and what all tables have in common."""

import csv
import io
import math
import re
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docutils.core
import docutils.nodes
import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from soundclr.params import Params
from soundclr.report.catalogue import caption_path, category, report_paths, tables_of
from soundclr.report.collect import Collection, collect
from soundclr.report.markup import markdown_escape, rst_escape, table_html, to_latex, to_markdown
from soundclr.report.table import NONE, Cell, Column, Table, frame_of
from soundclr.report.write import write_report
from support.byhand import FOLDS, SEEDS, best, bold, last, make, near, rows, said, texts


def test_table1_has_the_papers_cells(toy: Params, tmp_path: Path) -> None:
    """The paper study: 48 cells of 40 recipes, each beside the paper's accuracy; nothing is trained yet."""
    collection = collect(toy, "paper", tmp_path)
    lines = rows(collection, "table1")
    assert len(lines) == 48
    assert len({line["recipe"] for line in lines}) == 40
    assert {line["recipe"] for line in lines if (line["f"], line["t"]) == ("0", "0")} == {"masks_f0_t0"}
    by_place = {(line["F"], line["T"], line["f"], line["t"]): line for line in lines}
    assert by_place["32", "32", "2", "1"]["recipe"] == "cross_entropy"
    assert by_place["32", "32", "2", "1"]["paper_percent"] == "92.10"
    assert by_place["16", "32", "0", "3"]["recipe"] == by_place["32", "32", "0", "3"]["recipe"] == "masks_f0_t3_32"
    assert by_place["32", "64", "3", "3"]["paper_percent"] == "91.05"
    assert {line["runs"] for line in lines} == {"0"}
    table = make(collection, "table1")
    assert [row[:2] for row in texts(table)][3:6] == [["16, 32", "3"], ["32, 32", "0"], ["32, 32", "1"]]
    assert bold(table) == [("32, 32", "2", "92.10")]
    assert "0 of 200 runs, of 40 different settings" in table.caption
    # Four settings with f = 0 and three with t = 0 stand in two blocks or more; 91.60 and 91.85 differ most.
    assert "7 settings are in its table more than once, with accuracies that differ by up to 0.25" in table.caption
    assert "of ours" not in table.caption


def test_table1_numbers(toy: Params, toy_results: Path) -> None:
    collection = collect(toy, "masks", toy_results)
    lines = {(line["F"], line["T"], line["f"], line["t"]): line for line in rows(collection, "table1")}
    for place, recipe in {
        ("32", "32", "2", "1"): "cross_entropy",
        ("16", "32", "0", "0"): "masks_f0_t0",
        ("32", "64", "0", "0"): "masks_f0_t0",
        ("32", "32", "1", "0"): "masks_f1_32_t0",
        ("16", "32", "1", "1"): "masks_f1_16_t1_32",
    }.items():
        runs = said(toy_results, "masks", recipe)
        assert lines[place]["recipe"] == recipe
        assert lines[place]["runs"] == "2"
        assert float(lines[place]["best_epoch_percent"]) == near((best(runs[1, 0]) + best(runs[2, 0])) / 2)
        assert float(lines[place]["last_epoch_percent"]) == near((last(runs[1, 0]) + last(runs[2, 0])) / 2)
    assert lines["16", "32", "3", "3"]["recipe"] == ""

    table = make(collection, "table1")
    top = said(toy_results, "masks", "masks_f1_32_t0")
    text = f"{(best(top[1, 0]) + best(top[2, 0])) / 2:.2f} ({(last(top[1, 0]) + last(top[2, 0])) / 2:.2f})"
    assert bold(table) == [("32, 32", "1", text), ("32, 32", "2", "92.10"), ("32, 64", "1", text)]
    # Two seeds of cross-entropy, of which one is Table III's alone.
    runs = said(toy_results, "masks", "cross_entropy")
    means = [(best(runs[1, seed]) + best(runs[2, seed])) / 2 for seed in (0, 1)]
    deviation = abs(means[0] - means[1]) / math.sqrt(2)
    assert f"ours: {deviation:.2f} points, the standard deviation over seeds (of 1 setting, 2 seeds)" in table.caption
    assert "8 of 8 runs" in table.caption


def test_table1_of_one_seed_knows_the_interval_over_folds(toy: Params, toy_results: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_results / "masks", tmp_path / "masks", ignore=shutil.ignore_patterns("*-seed1"))
    errors = []
    for recipe in ("cross_entropy", "masks_f0_t0", "masks_f1_32_t0", "masks_f1_16_t1_32"):
        runs = said(tmp_path, "masks", recipe)
        errors.append(12.7062 * abs(best(runs[1, 0]) - best(runs[2, 0])) / 2)  # Student's t of two folds
    text = make(collect(toy, "masks", tmp_path), "table1").caption
    assert (
        f"the 95 % interval (Student's t over folds) is ± {statistics.fmean(errors):.2f} points (mean of 4 cells)"
        in text
    )


def test_table1_of_other_widths_has_blocks_of_its_own(toy: Params, tmp_path: Path) -> None:
    table = make(collect(toy, "narrow", tmp_path), "table1")
    # 2 x 4 and 1 x 4 with none; 1 x 16 with 1 x 32, and with none; and two of 64 frames alone.
    places = [row[:2] for row in texts(table)]
    one_kind = [["–, 64", "0"], ["32, –", "0"], ["32, –", "1"]]
    assert places == [["4, 4", "0"], ["4, 4", "2"], ["16, 32", "0"], ["16, 32", "1"], *one_kind]
    assert len(table.page) == 2 + 3
    assert "paper" not in table.caption


def test_table2_numbers(everything: Collection, toy_results: Path) -> None:
    lines = rows(everything, "table2")
    assert [(line["alpha"], line["recipe"]) for line in lines] == [
        ("0.01", "alpha_001"),
        ("0.5", "hybrid"),
        ("0.99", "alpha_099"),
    ]
    for line, published in zip(lines[:2], (99.25, 99.75), strict=True):
        runs = [metrics for (_, seed), metrics in said(toy_results, "everything", line["recipe"]).items() if seed == 0]
        assert (line["runs"], line["expected_runs"]) == ("3", "3")
        assert float(line["best_epoch_percent"]) == near(sum(map(best, runs)) / 3)
        assert float(line["last_epoch_percent"]) == near(sum(map(last, runs)) / 3)
        assert float(line["paper_percent"]) == published
        assert float(line["difference_points"]) == near(float(line["best_epoch_percent"]) - published)
    assert (lines[2]["runs"], lines[2]["best_epoch_percent"], lines[2]["paper_percent"]) == ("0", "", "99.25")
    table = make(everything, "table2")
    assert "6 of 9 runs" in table.caption
    assert texts(table)[2][1:] == ["0 of 3", "–", "–", "99.25", "–"]


def ensemble_by_hand(runs: Sequence[dict[str, Any]], epoch: str) -> float:
    """The share of clips, in percent, that the mean of the runs' probabilities gets right."""
    total: dict[str, list[float]] = {}
    label = {}
    for metrics in runs:
        for row in csv.DictReader(io.StringIO((metrics["path"] / "predictions.csv").read_text())):
            if row["epoch"] == epoch:
                values = [float(row[name]) for name in metrics["classes"]]
                total[row["clip"]] = [a + b for a, b in zip(total.get(row["clip"], [0.0] * 10), values, strict=True)]
                label[row["clip"]] = int(row["label"])
    return 100 * statistics.fmean(total[clip].index(max(total[clip])) == label[clip] for clip in total)


def test_table4_numbers(everything: Collection, toy_results: Path) -> None:
    lines = {(line["recipe"] or line["system"], line["accuracy"]): line for line in rows(everything, "table4")}
    runs = said(toy_results, "everything", "hybrid")
    seeds = [statistics.fmean(best(runs[fold, seed]) for fold in FOLDS) for seed in SEEDS]
    assert float(lines["hybrid", "mean"]["best_epoch_percent"]) == near(statistics.fmean(seeds))
    assert float(lines["hybrid", "best"]["best_epoch_percent"]) == near(max(seeds))
    for epoch in ("best", "last"):
        folds = [ensemble_by_hand([runs[fold, seed] for seed in SEEDS], epoch) for fold in FOLDS]
        assert float(lines["hybrid", "ensemble"][f"{epoch}_epoch_percent"]) == near(statistics.fmean(folds))
    # A fold with a single seed has no ensemble; other schemes stand in the CSV alone.
    assert lines["supervised_contrastive", "ensemble"]["best_epoch_percent"] == ""
    assert lines["cross_entropy", "ensemble"]["best_epoch_percent"] != ""
    table = make(everything, "table4")
    names = [(row[0], row[1]) for row in texts(table)]
    assert names == [
        ("Human", "paper: reported"),
        ("Piczak-CNN", "paper: reported"),
        ("EnvNet-v2", "paper: reported"),
        ("ESResNet", "paper: reported"),
        ("ESResNet-Attention", "paper: reported"),
        ("SoundCLR", "paper: best seed"),
        ("SoundCLR-Ensemble", "paper: reported"),
        ("ours: hybrid (SoundCLR)", "mean of single seeds"),
        ("ours: hybrid (SoundCLR)", "best seed"),
        ("ours: hybrid (SoundCLR)", "ensemble of 2 of 2 seeds"),
    ]
    assert "no ensemble" not in table.caption
    assert float(lines["ESResNet", "reported"]["published_percent"]) == 96.75


def test_table4_without_hybrid_shows_the_others(toy: Params, tmp_path: Path) -> None:
    table = make(collect(toy, "single", tmp_path), "table4")
    assert [row[0] for row in texts(table)][-6:] == ["ours: cross-entropy"] * 3 + ["ours: supervised contrastive"] * 3
    assert texts(table)[-1][1:] == ["ensemble of the seeds", "–"]
    assert (
        "–: no ensemble of cross-entropy or supervised contrastive, because a fold has fewer than two seeds"
        in table.caption
    )


def test_table4_of_another_dataset_has_only_ours(toy: Params, tmp_path: Path) -> None:
    table = make(collect(toy, "demo", tmp_path), "table4")
    assert {row[0] for row in texts(table)} == {"ours: hybrid (SoundCLR)"}
    assert "Nasiri" not in table.caption


@pytest.mark.slow
def test_report_of_everything(toy: Params, toy_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that the layout names, but figures; captions that say their runs; the same bytes again."""
    monkeypatch.setattr("soundclr.report.write.draw", lambda *figure: None)
    shutil.copytree(toy_results / "everything", tmp_path / "everything")
    paths = write_report(toy, "everything", tmp_path, tmp_path / "figures")
    assert paths == report_paths(toy, "everything", tmp_path, tmp_path / "figures")
    written = {path: path.read_bytes() for path in paths if path.suffix not in (".png", ".pdf")}
    assert all(written.values())

    page = written[tmp_path / "everything/README.md"].decode()
    headings = [
        "Claims",
        "Tables",
        "Figures of the SoundCLR paper",
        "Further figures",
        "Settings and runs",
        "Provenance",
    ]
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == headings
    # 17 of the study's own 18, 3 of alpha 0.01 and none of alpha 0.99, 4 with an inner fold.
    assert "24 of 28 runs (a run can count more than once: its own 17 of 18; Table II 6 of 9" in page
    titles = re.findall(r"^\*\*(.*?)\.\*\*", page, re.MULTILINE)
    assert titles == [table.title for table in tables_of(toy, "everything")]

    for path in filter(category, paths):
        text = written[caption_path(path, "everything", tmp_path)].decode()
        assert "Study everything: a trial (made up)." in text
        assert re.search(r"\d+ of \d+ runs", text), path
    for table in (path for path in paths if path.parent.name == "tables" and path.suffix == ".md"):
        assert len(written[table].decode().split("\n\n")[0]) < 390, table  # three lines
    front = written[tmp_path / "everything/captions/front_page.rst"].decode()
    assert "\n\n\\ Begin with The paper's claims, under Claims. On the left: Claims, Tables, Figures of" in front
    claims = front.split("\n\n")[2].splitlines()
    assert [line.split(".")[0] for line in claims] == [
        "- \\ ESC-10, hybrid beats cross-entropy",
        "- \\ ESC-10, hybrid beats supervised contrastive",
    ]
    assert "entropy. Paper: +0.60 (+0.03 to +1.17). Here: +20.83 (" in claims[0]
    assert claims[1].endswith("Here: 11 of 12 runs, not whole.")
    rows = {line.split(" | ")[0]: line.split(" | ") for line in page.splitlines() if line.startswith("| hybrid beats")}
    assert rows["| hybrid beats cross-entropy"][5] != NONE
    assert rows["| hybrid beats supervised contrastive"][2:6] == ["11 of 12 runs", "not whole", NONE, NONE]
    assert len(front.split()) < 200, "the report centres it, and cuts off what a window has no room for"
    robustness = written[tmp_path / "everything/captions/robustness.rst"].decode()
    assert "Data: ESC-10, 10 classes, folds 1, 2, 3 of 5, 80 training and 20 held-out clips a fold." in robustness
    assert "resnet50, ImageNet (product-quantised, PQF), SHA-256 3c49aca5" in robustness

    provenance = list(csv.DictReader(io.StringIO(written[tmp_path / "everything/provenance.csv"].decode())))
    assert len(provenance) == 24
    assert {line["torch"] for line in provenance} == {"2.11.0"}

    write_report(toy, "everything", tmp_path, tmp_path / "figures")
    assert {path: path.read_bytes() for path in written} == written


def test_a_page_of_html_has_the_table_and_no_markup_of_its_values() -> None:
    columns = [Column("a<b>", "a", align="l"), Column("x", lambda r: Cell(r["x"], best=True), "both")]
    frame = frame_of([{"a": "<script>", "x": "1 & 2"}])
    page = table_html(Table(frame, ["a", "x"], columns, ""), "T<i>", "it's <u>", "1 < 2")
    assert "<title>T&lt;i&gt;</title>" in page and "<p>it&#x27;s &lt;u&gt;</p>" in page
    head = '<tr><th class="l">a&lt;b&gt;</th><th class="r">both: x</th></tr>'
    body = '<tr><td class="l">&lt;script&gt;</td><td class="r"><b>1 &amp; 2</b></td></tr>'
    assert page.endswith("</table>\n<p>1 &lt; 2</p>\n</html>\n")
    assert f"<thead>\n{head}\n</thead>\n<tbody>\n{body}\n</tbody>" in page


def test_a_mark_and_a_group_in_each_format() -> None:
    columns = [Column("a_b", lambda r: Cell(r["a_b"]), align="l")]
    columns += [Column("x", lambda r: Cell(f"{r['x']:.2f}", r["x"] == 1), "both"), Column("y", "y", "both")]
    columns += [Column("z", "z")]
    records = [
        {"a_b": "k", "x": 1.0, "y": 2, "z": 3.0, "only": None},
        {"a_b": "l", "x": 1.005, "y": None, "z": 3.0, "only": "x,y"},
        {"a_b": "m", "x": 1.0, "y": 2, "z": 3.0, "only": "", "csv_only": True},
    ]
    table = Table(frame_of(records), ["a_b", "x", "y", "only", "z"], columns, "c", forms={"z": ".3f"})
    assert to_markdown(table) == (
        "| a\\_b | both: x | both: y | z |\n| :-- | --: | --: | --: |\n"
        "| k | **1.00** | 2 | 3.00 |\n| l | 1.00 | – | 3.00 |\n"
    )
    text = to_latex(table, "50 %", "1 < 2", "tab:t")
    assert " & \\multicolumn{2}{c}{both} &  \\\\\n\\cmidrule(lr){2-3}\na\\_b & x & y & z \\\\\n" in text
    assert "k & \\textbf{1.00} & 2 & 3.00 \\\\\n\\addlinespace\nl" in text
    assert "\\end{tabular}\n\\par\\smallskip\\parbox{\\textwidth}{\\scriptsize 1 \\textless{} 2}\n" in text
    assert table.to_csv() == 'a_b,x,y,only,z\nk,1.00,2,,3.000\nl,1.00,,"x,y",3.000\nm,1.00,2,,3.000\n'


def test_records_of_one_line_stand_beside_each_other() -> None:
    columns = [Column("row", "row"), *(Column(c, "says", where={"column": c}) for c in "ab")]
    records = [{"row": "1", "column": c, "says": f"{c}1"} for c in "ab"] + [{"row": "2", "column": "b", "says": "b2"}]
    assert texts(Table(frame_of(records), ["row"], columns, "", ["row"])) == [["1", "a1", "b1"], ["2", "–", "b2"]]


def test_latex_of_every_table(everything: Collection, toy: Params, toy_results: Path) -> None:
    """As many cells in every line as there are columns, and no sign that LaTeX does not know."""
    made = [table.load()(everything) for table in tables_of(toy, "everything")]
    for table in [*made, make(collect(toy, "masks", toy_results), "table1")]:
        text = to_latex(table, table.caption, "", "tab:x")
        assert text.isascii(), {character for character in text if ord(character) > 127}
        for line in text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines():
            assert line == "\\addlinespace" or len(re.findall(r"(?<!\\)&", line)) == len(table.page) - 1


# What each of the formats, or the template before it, takes for its own; and line ends of all kinds.
ODD = ["\\", *"`*_|[]<>{}&$~#^%:@.-+=1a) \n\x0b\u2028", ".. ", "include::", "raw::", "{{", "{%", "http://a.b", "script"]
TEXTS = st.lists(st.sampled_from(ODD), min_size=1, max_size=12).map("".join).filter(str.strip)


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(text=TEXTS)
@example(".. include:: /etc/passwd")
@example("a\n\n.. raw:: html\n\n   <script>alert(1)</script>")
@example("javascript:alert(1)")
@example("a {{ b }} {% c %} {# d #} *e* `f` g_ |h| \\i **j** {k}")
def test_captions_survive_templates_and_rst(text: str) -> None:
    """Snakemake renders a caption with Jinja, then as reStructuredText: one paragraph of text and nothing else."""
    rendered = jinja2.Environment().from_string(rst_escape(text)).render()
    tree = docutils.core.publish_doctree(rendered, settings_overrides={"report_level": 5})
    ((inside,),) = tree.children
    assert isinstance(inside, docutils.nodes.Text)
    assert inside.astext() == " ".join(text.split())


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(text=TEXTS)
@example("90.00")
@example("12. a")
@example("&lt;script&gt;")
def test_markdown_shows_text_as_it_is(text: str) -> None:
    (opened, inside, closed) = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown_escape(text))
    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    assert inside.children is not None
    assert {child.type for child in inside.children} <= {"text", "text_special"}
    assert "".join(child.content for child in inside.children) == " ".join(text.split())
    assert "$" not in markdown_escape(text).replace("\\$", "")  # a formula to some readers


def test_a_number_stays_readable_in_markdown() -> None:
    assert [markdown_escape(text) for text in ("90.00", "−3.50", "3 of 5", "-5 dB")] == [
        "90.00",
        "−3.50",
        "3 of 5",
        "-5 dB",
    ]
