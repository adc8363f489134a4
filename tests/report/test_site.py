"""The static site's pages, made of fabricated runs: rows, pages, links and numbers, before MkDocs renders them."""

import csv
import html
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.report.claims.claim import read_claims
from soundclr.report.claims.judge import Finding, findings_of
from soundclr.report.claims.table import signed
from soundclr.report.collect import Collection, collect
from soundclr.report.evidence import evidence, train_command
from soundclr.report.papers import PAPERS
from soundclr.report.site import explore, listen
from soundclr.report.site.build import Site, answer, build, render
from soundclr.report.site.claims import Asked, seeds_needed
from soundclr.report.site.links import as_page, heading_of
from soundclr.report.statistics import Estimate
from soundclr.report.summary import headline_rows
from soundclr.run.runs import expand
from support.fabricate import fabricate

pytestmark = pytest.mark.slow

LINKS = re.compile(r'(?:href|src)="([^"]+)"|\]\(([^)\s]+)\)')
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(params: Params, full: Path, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of the trial's runs and this repository's documentation."""
    made = Site(params, full / "results", full / "figures", repo, tmp_path_factory.mktemp("site"), "")
    build(made)
    return made


@pytest.fixture(scope="module")
def rows(full: Path) -> list[dict[str, str]]:
    """The trial's claims.csv."""
    with (full / "results/trial/tables/claims.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_claim_of_each_paper_has_a_row_and_a_page(site: Site) -> None:
    front = (site.pages / "index.md").read_text()
    for paper in PAPERS:
        for claim in read_claims(paper).claims:
            stems = re.findall(rf'href="claims/([\w.-]+-{re.escape(claim.id)})\.html"', front)
            assert stems, claim.id
            for stem in stems:
                text = (site.pages / f"claims/{stem}.md").read_text()
                assert html.unescape(heading_of(text)).startswith(claim.claim)
                assert read_claims(paper).citation.url in text


def test_the_numbers_are_those_of_the_table(site: Site, rows: list[dict[str, str]]) -> None:
    assert len(rows) > 8
    for row in rows:
        text = (site.pages / f"claims/trial-{row['dataset']}-{row['claim']}.md").read_text()
        whole = row["runs"] == row["expected_runs"]
        if whole and row["difference"] and row["unit"].startswith("points"):
            low, high = (signed(float(row[end])) for end in ("low", "high"))
            assert f"<b>{signed(float(row['difference']))} ({low} to {high})</b>" in text
        has_numbers = whole or row["kind"] != "claim"
        assert ("one-sided bound" in text) == bool(has_numbers and row["bound"])
        if has_numbers and row["bound"]:
            shown = re.search(r"at most ([+−]?)([\d.]+), with 95 %", text)
            assert shown is not None
            rounding = 0.5 * 10 ** -len(shown[2].partition(".")[2]) + 0.0051  # of the page, and of the CSV
            assert abs(float(f"{shown[1].replace('−', '-')}{shown[2]}") - float(row["bound"])) < rounding
            if row["unit"].startswith("points"):
                assert f"at most {signed(float(row['bound']))}, with 95 %" in text
        if row["paper_difference"]:
            assert f"the paper: <b>{signed(float(row['paper_difference']))}" in text
        if row["verdict"] != "not whole":
            assert f">{row['verdict']}</span>" in text
        if has_numbers and row["p"]:
            assert f"<dd>{row['p'] if float(row['p']) >= 0.0001 else '&lt; 0.0001'}" in text
        assert text.count("a made-up device") == int(row["runs"])


def test_the_front_page_has_the_rows_of_the_readme(site: Site, full: Path) -> None:
    front = (site.pages / "index.md").read_text().split("<tr>")
    printed = [row for row in headline_rows(site.params, full / "results") if row[0] != "–"]
    assert printed
    for place, claim, theirs, ours, verdict in printed:
        line = next(row for row in front if f">{claim}</a>" in row)
        assert f"<td>{place[1:].partition(']')[0]}</td>" in line
        for number in (theirs, ours):
            assert f"<b>{number.partition(' (')[0]}</b>" in line
        assert f">{verdict.partition(' (')[0]}</span>" in line


def targets(site: Site) -> Iterator[tuple[str, str]]:
    """Each link within the site: the page and where it leads, from the site's root."""
    for page in sorted(site.pages.rglob("*.md")):
        place = page.relative_to(site.pages)
        text = FENCE.sub("", page.read_text())
        for found in LINKS.findall(re.sub(r"`[^`\n]*`", "", text)):
            target = "".join(found)
            if not re.match(r"[a-z]+:|#", target):
                yield place.as_posix(), (place.parent / target.partition("#")[0]).as_posix()


def test_each_link_within_the_site_leads_to_a_page(site: Site) -> None:
    count = 0
    for page, target in targets(site):
        count += 1
        path = (site.pages / target).resolve()
        sources = [path, path.with_suffix(".md"), path.with_name("README.md")]
        assert any(one.is_file() for one in sources) or path.name == "plotly.min.js", f"{page}: {target}"
    assert count > 150


def test_the_settings_name_every_page_but_the_claims_and_the_version(site: Site) -> None:
    settings = yaml.safe_load((site.into / "mkdocs.yml").read_text())
    listed = set(re.findall(r"[\w/-]+\.md", yaml.safe_dump(settings["nav"])))
    pages = {page.relative_to(site.pages).as_posix() for page in site.pages.rglob("*.md")}
    assert listed == {page for page in pages if not page.startswith("claims/")}
    assert "api/losses.md" in listed and "docs/data.md" in listed
    assert re.match(r"soundclr \d+\.\d+\.\d+, commit \w+", settings["copyright"])


def test_a_table_that_is_not_of_the_runs_is_refused(site: Site, full: Path, tmp_path: Path) -> None:
    old = (full / "results/trial/tables/claims.csv").read_text()
    results = tmp_path / "results"
    (results / "trial" / "tables").mkdir(parents=True)
    (results / "trial" / "runs").symlink_to(full / "results/trial/runs")
    (results / "trial" / "tables" / "claims.csv").write_text(old.replace(",esc10,", ",esc11,", 1))
    with pytest.raises(UserError, match="not what the runs give; make it with `soundclr report"):
        build(replace(site, results=results, into=tmp_path / "site"))


def test_a_folder_that_is_no_site_is_left_alone(site: Site, tmp_path: Path) -> None:
    mine = tmp_path / "pages" / "mine.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(UserError, match="name another folder"):
        build(replace(site, into=tmp_path))
    assert mine.read_text() == "mine"


def test_links_lead_to_pages_to_the_repository_or_become_text() -> None:
    text = "[a](data.md#b) [front](../README.md) [code](../src/x.py#L1) ![p](../p.png) [web](https://a.b) [here](#c)\n"
    text += "```md\n[kept](../src/x.py)\n```\n<details>\n"
    pages = {"docs/data.md", "docs/speed.md"}
    assert as_page(text, "docs/speed.md", pages, "") == (
        "[a](data.md#b) [front](../index.md) code p [web](https://a.b) [here](#c)\n"
        "```md\n[kept](../src/x.py)\n```\n<details markdown>\n"
    )
    assert "[code](https://host/blob/1/src/x.py#L1)" in as_page(text, "docs/speed.md", pages, "https://host/blob/1")


def test_the_runs_of_a_study_are_data_with_every_run(full: Path, params: Params) -> None:
    collection = collect(params, "trial", full / "results")
    data = json.loads(explore.script(collection).partition(" = ")[2])
    assert len(data["runs"]) == 75
    one = data["runs"][0]
    metrics = collection.results[0].metrics
    assert data["schemes"][one["scheme"]]["title"] == "cross-entropy" and (one["fold"], one["seed"]) == (1, 0)
    assert one["last"] == round(100 * (metrics.accuracy.last_epoch or 0), 2)
    assert len(one["curve"]) == 6
    assert sum(cell[4] for cell in data["confusion"]) == 75 * metrics.clips.test


@pytest.fixture
def poor(params: Params, tmp_path: Path) -> Collection:
    """A study whose schemes guess."""
    for run in expand(params, "one"):
        fabricate(params, run, tmp_path / "results", skill=0.1)
    return collect(params, "one", tmp_path / "results")


def test_the_clips_that_all_schemes_get_wrong(poor: Collection, tmp_path: Path) -> None:
    page = listen.page_of([poor], tmp_path / "data", tmp_path)
    rows = poor.clips[poor.clips["epoch"] == "last"]
    shares = rows.groupby(["clip", "recipe"])["right"].mean().unstack()
    assert [clip["name"] for clip in page["clips"]]
    assert {clip["name"] for clip in page["clips"]} == set(shares.index[(shares < 0.5).all(axis=1)])
    assert page["sounds"] is False and "sound" not in page["clips"][0]
    for clip in page["clips"]:
        counts = [int(n) for answers in clip["answers"].values() for n in re.findall(r"\((\d+)\)", answers)]
        assert sum(counts) == 15  # three schemes, five folds of the same made-up clips
    assert listen.page_of([], tmp_path, tmp_path) == {"collection": None, "clips": []}


def test_a_clip_that_is_here_can_be_heard_and_names_its_author(poor: Collection, tmp_path: Path) -> None:
    name = listen.page_of([poor], tmp_path / "data", tmp_path)["clips"][0]["name"]
    folder = tmp_path / "data/esc10/release/001 - Dog bark"
    folder.mkdir(parents=True)
    soundfile.write(folder / f"{name}.ogg", np.zeros(22050), 22050)
    (tmp_path / "data/esc10/index.csv").write_text(f"clip,path\n{name},release/001 - Dog bark/{name}.ogg\n")
    line = f"- [{name}.ogg]:   clip derived from A bark (loud).wav (http://host/1/) by Some One [CC-BY]\n"
    (folder.parent / "README.txt").write_text(line)
    clip = listen.page_of([poor], tmp_path / "data", tmp_path / "site")["clips"]
    (found,) = [one for one in clip if one["name"] == name]
    assert found["credit"] == "A bark (loud).wav, by Some One (CC-BY)"
    assert (tmp_path / "site" / found["sound"]).read_bytes() == (folder / f"{name}.ogg").read_bytes()
    assert (tmp_path / "site" / found["spectrogram"]).read_bytes().startswith(b"\x89PNG")


def test_what_stands_behind_a_claim_has_both_sides(full: Path, rows: list[dict[str, str]]) -> None:
    (row,) = [one for one in rows if one["claim"] == "hybrid_ce"]
    found = evidence(full / "results/trial/tables/claims.csv", "hybrid_ce,esc10", "difference")
    assert len(found.runs) == int(row["runs"]) == 50
    assert PurePosixPath(found.runs[0].folder).parts[-3] == "esc10"


def test_papers_are_cited_as_in_the_citation_file(repo: Path) -> None:
    cited = {one["title"]: one for one in yaml.safe_load((repo / "CITATION.cff").read_text())["references"]}
    for paper in PAPERS:
        citation = read_claims(paper).citation
        one = cited[citation.title]
        assert citation.url == one.get("url", f"https://doi.org/{one.get('doi')}") and citation.year == one["year"]
        assert citation.authors.startswith(one["authors"][0]["family-names"])


@pytest.fixture(scope="module")
def finding(params: Params, full: Path) -> tuple[Collection, Finding]:
    """The trial's first claim, with its collection."""
    collection = collect(params, "trial", full / "results")
    return collection, next(one for one in findings_of(collection) if one.claim.id == "hybrid_ce")


def test_seeds_that_power_takes(finding: tuple[Collection, Finding]) -> None:
    """Where seeds are all that varies, as many as the formula of a normal test gives; where clips are, none suffice."""
    collection, found = finding
    assert found.estimate is not None and found.resampled == "sources and seeds"
    clips = [collection.clips[collection.clips["recipe"] == one] for one in ("hybrid", "cross_entropy")]
    runs = [rows[rows["epoch"] == "last"].groupby(["fold", "seed"])["right"].mean() * 100 for rows in clips]
    variance = sum(float(one.groupby("fold").var(ddof=1).sum()) for one in runs) / 25  # of one seed a fold
    by_seeds = replace(found, estimate=Estimate(found.estimate.value, math.sqrt(variance / 5), 40.0))
    expected = variance * ((1.96 + 0.8416) / found.power_at) ** 2
    assert seeds_needed(collection, by_seeds) == pytest.approx(expected, rel=0.02, abs=1.5)
    by_clips = replace(found, estimate=Estimate(found.estimate.value, 5.0, 40.0))
    assert seeds_needed(collection, by_clips) == math.inf


def test_seeds_that_nothing_tells(finding: tuple[Collection, Finding]) -> None:
    collection, found = finding
    assert seeds_needed(collection, replace(found, resampled="folds left out")) is None
    assert seeds_needed(collection, replace(found, paper=None)) is None


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        (["holds", "holds"], "Yes, here: hybrid (SoundCLR) is "),
        (["does not hold"], "No, not here: hybrid (SoundCLR) is "),
        (["holds", "undecided"], "Not decided here: hybrid (SoundCLR) is "),
        ([], "Not tested yet."),
    ],
)
def test_the_question_is_answered_by_its_rows(
    finding: tuple[Collection, Finding], outcomes: list[Any], text: str
) -> None:
    collection, found = finding
    paper = read_claims("soundclr")
    rows = [Asked(paper, found.claim, "a", collection, replace(found, outcome=outcome)) for outcome in outcomes]
    missing = Asked(paper, found.claim, "b", collection, replace(found, runs=0, outcome="not whole"))
    said = answer([*rows, missing])
    assert said.startswith(text)
    value = found.estimate.value if found.estimate else 0.0
    assert value > 0 and said.count(f"{value:.2f} points above cross-entropy on ESC-10") == len(rows)


def test_a_difference_without_an_interval_has_a_page(finding: tuple[Collection, Finding]) -> None:
    """Of a single fold and run a side, as a study has while it is being trained."""
    collection, found = finding
    alone = replace(found, estimate=Estimate(1.0, math.nan, 1.0), p=math.nan, p_holm=math.nan, outcome="undecided")
    one = Asked(read_claims("soundclr"), found.claim, "a", collection, alone)
    page = render("claim.md", one=one, figure="", command=train_command)
    assert "here +1.00; the paper" in page and "one-sided bound" not in page
    assert "a.html" in render("claims.md", studies={"trial": [(one, one.ends)]})
