"""`soundclr verify`: a tampered number is named; and the README's claims are rows of the studies' tables."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from soundclr.commands.cli import main
from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.report.summary import BEGIN, END, claims_lines, headline_rows, whole_rows, write_readme
from soundclr.report.verify import verify, without_figures


@pytest.fixture
def study(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The committed study `esc50` in a folder of its own, with params.yaml."""
    for name in ("results/esc50", "params"):
        shutil.copytree(repo / name, tmp_path / name)
    shutil.copy(repo / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return Path("results/esc50")


@pytest.mark.slow
def test_committed_numbers_are_reproduced(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--study", "esc50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("results/esc50/tables/claims.csv: ") for line in lines)
    counts = [int(line.split(": ")[1].removesuffix(" reproduced")) for line in lines[:-2]]
    assert sum(counts) > 1000
    assert lines[-2:] == [
        f"{sum(counts):,} numbers reproduced, and none differs",
        "Not checked: figures, their captions.",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "tables/table3.csv",
            "81.25",
            "91.25",
            "row 3, last_epoch_mean_percent: 91.25 is printed, the runs give 81.25",
        ),
        ("tables/claims.md", "−2.75", "+2.75", "line "),
        ("captions/table3.rst", "15 of 15 runs", "77 of 15 runs", "line 1"),
        ("provenance.csv", "84.50", "84.51", "row 1, best_epoch_percent: 84.51 is printed, the runs give 84.50"),
    ],
)
def test_a_tampered_number_is_named(
    study: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    path = study / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if file == "tables/table3.csv":  # the best seed's number is the same one
        head, _, last = text.rpartition("81.25,91.85") if "81.25,91.85" in text else text.rpartition("81.25,,81.25")
        path.write_text(f"{head}91.25,,81.25{last}", encoding="utf-8")
    assert main(["verify", "--study", "esc50"]) == 1
    out = capsys.readouterr().out
    assert f"{path}: " in out
    assert "1 changed" in out
    assert said in out


@pytest.mark.slow
def test_a_table_without_runs_behind_it_is_named(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("made_up.csv", "made_up.html"):
        (study / "tables" / name).write_text("a,b\n1,2\n", encoding="utf-8")
    (study / "tables/table3.csv").unlink()
    assert main(["verify", "--study", "esc50"]) == 1
    out = capsys.readouterr().out
    assert "made_up.csv: 0 reproduced, no evidence" in out
    assert "made_up.html: 0 reproduced, no evidence" in out
    assert "table3.csv: 0 reproduced, no evidence" in out


def test_the_readmes_claims_are_the_studies_rows(repo: Path, tmp_path: Path) -> None:
    """Each headline on each of the paper's datasets that has whole runs; one without any says so."""
    params = load_checked(repo / "params.yaml")
    rows = list(headline_rows(params, repo / "results"))
    assert ["hybrid beats cross-entropy", "+0.60 (+0.03 to +1.17)"] in [row[1:3] for row in rows]
    assert not any("power" in row[-1] and " at +" in row[-1] for row in rows)  # it is the paper's difference beside it
    text = (repo / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    assert write_readme(params, repo / "results", tmp_path / "README.md") == len(rows)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text


def test_a_registered_study_takes_the_readmes_rows_once_it_is_whole(repo: Path, tmp_path: Path) -> None:
    params = load_checked(repo / "params.yaml")
    for study in ("esc10", "registered_esc10"):
        shutil.copytree(repo / "results/esc10/tables", tmp_path / "results" / study / "tables")
    places = {row[0] for row in headline_rows(params, tmp_path / "results")} - {"–"}
    assert places == {"[ESC-10](results/registered_esc10/README.md)"}
    table = tmp_path / "results/registered_esc10/tables/claims.csv"
    table.write_text(table.read_text().replace(",50,50,", ",49,50,"))
    places = {row[0] for row in headline_rows(params, tmp_path / "results")} - {"–"}
    assert places == {"[ESC-10](results/esc10/README.md)"}


def test_the_readme_explains_the_mark_of_baselines_where_a_row_has_it() -> None:
    row = ["[X](results/x/README.md)", "a beats b", "–", "+1.00", "holds here"]
    assert "baseline" not in claims_lines([row])
    assert claims_lines([[*row[:3], "+1.00 ‡", "holds here"]]).endswith(
        "\n\n‡ neither side is above the best baseline, which trains no network."
    )


def test_a_readme_without_the_marks_is_one_line(repo: Path, tmp_path: Path) -> None:
    params = load_checked(repo / "params.yaml")
    for text in ("nothing", f"{BEGIN}\n{BEGIN}\n{END}\n{BEGIN}\n{END}"):
        (tmp_path / "README.md").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="must have the lines"):
            write_readme(params, repo / "results", tmp_path / "README.md")
        assert (tmp_path / "README.md").read_text(encoding="utf-8") == text


@pytest.mark.slow
def test_tampered_pages_are_named(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also a count above the tables, and a line of one's own; not a figure's caption."""
    files = "README.md", "MODEL_CARD.md", "tables/table3.html", "tables/table3.tex"
    for path in (study / name for name in files):
        text = path.read_text(encoding="utf-8")
        assert "81.25" in text
        path.write_text(text.replace("81.25", "91.25", 1), encoding="utf-8")
    page = study / "README.md"
    text = page.read_text(encoding="utf-8").replace("- 25 of 25 runs", "- 26 of 26 runs", 1)
    page.write_text(f"{text}\nAccuracy 99.9 %.\n", encoding="utf-8")
    (study / "made_of.json").write_text("[]\n", encoding="utf-8")
    assert main(["verify", "--study", "esc50"]) == 1
    out = capsys.readouterr().out
    assert all(f"{study / name}: " in out for name in (*files, "made_of.json"))
    assert out.count("91.25") == len(files)
    assert "- 26 of 26 runs" in out and "lines are printed" in out


@pytest.mark.slow
def test_a_page_with_figures_that_lack_runs(study: Path) -> None:
    params = load_checked(Path("params.yaml"))
    for kind in ("runs", "evaluations"):
        for recipe in params.studies["esc50"].recipes:
            (group,) = (study / kind).glob(f"*/{recipe}-*")
            shutil.rmtree(group)
    assert main(["report", "--study", "esc50"]) == 0
    assert "not enough runs yet for" in (study / "README.md").read_text(encoding="utf-8")
    found = list(verify(params, "esc50", Path("results")))
    assert len(found) > 30
    assert not [one for one in found if one.changed or one.without]


def test_a_figures_caption_is_no_line_of_the_page() -> None:
    page = "# Title\n\n![a figure](a.png)\n\nIts caption.\n\n![another](b.png)\n\n## Next\n\nText.\n"
    assert without_figures(page) == ["# Title", "## Next", "Text."]


@pytest.mark.parametrize("command", ["report", "status"])
def test_results_that_are_not_there_are_one_line(study: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--study", "esc50", "--results", "nowhere"]) == 2
    assert "error: nowhere: no such folder" in capsys.readouterr().err
    assert not Path("nowhere").exists() and not Path("figures").exists()


@pytest.mark.parametrize("command", ["verify", "readme"])
def test_a_missing_folder_of_results_is_one_line(study: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    Path("README.md").write_text(f"{BEGIN}\n{END}\n")
    assert main([command, "--results", "nowhere"]) == 2
    assert "error: nowhere: no such folder; run the command in the repository's folder" in capsys.readouterr().err
    assert Path("README.md").read_text() == f"{BEGIN}\n{END}\n"


def test_runs_of_an_unknown_study_are_one_line(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study.parent / "renamed/runs").mkdir(parents=True)
    assert main(["verify"]) == 2
    assert "error: results/renamed: has runs of a study that params.yaml lacks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("claims.csv", lambda text: text[:800], "claims.csv: line "),
        ("claims.csv", lambda text: text.replace("detail", "details", 1), "claims.csv: has no column 'detail'"),
        ("claims.csv", lambda text: "", "claims.csv: has no column 'claim'"),
        ("claims.md", lambda text: text[:900], "claims.md: does not have the rows of claims.csv"),
        ("claims.md", lambda text: "", "claims.md: does not have the rows of claims.csv"),
    ],
)
def test_a_damaged_table_of_claims_is_one_line(
    study: Path, file: str, change: Callable[[str], str], message: str
) -> None:
    path = study / "tables" / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        list(whole_rows(study, "hybrid_ce"))
    assert message in str(caught.value)
    assert "restore it from git" in str(caught.value)
