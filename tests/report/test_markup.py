"""A table's text in LaTeX and in Markdown."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from soundclr.report.markup import latex_escape, markdown_escape
from soundclr.report.write import write_report
from soundclr.run.runs import expand
from support.fabricate import fabricate, trial_params


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
