"""Byte-identical clips in a report: counted where its data are described, and named at the end of its page."""

from pathlib import Path

import pytest

from soundclr.params import Params
from soundclr.report import identical
from soundclr.report.captions import study_facts
from soundclr.report.collect import collect
from soundclr.report.write import write_report
from soundclr.run.runs import Run, expand
from support.fabricate import edit, fabricate

KEYS = ("groups", "clips", "across_folds", "across_classes")


def with_identical(folder: Path, counts: tuple[int, ...] | None, names: list[list[str]] | None = None) -> None:
    """Let a run's record say this of byte-identical clips."""
    said = counts and dict(zip(KEYS, counts, strict=True)) | ({"names": names} if names else {})
    edit(folder, clips={"train": 80, "test": 20, "identical": said})


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((119, 240, 0, 0), "119 groups of byte-identical clips (240 clips), none of these groups across folds."),
        ((2, 5, 1, 0), "2 groups of byte-identical clips (5 clips), 1 of these groups across folds."),
        (
            (2, 5, 0, 2),
            "2 groups of byte-identical clips (5 clips), none of these groups across folds and 2 across classes.",
        ),
        ((0, 0, 0, 0), None),
        (None, None),
    ],
)
def test_they_are_counted(
    params: Params, run: Run, tmp_path: Path, counts: tuple[int, ...] | None, said: str | None
) -> None:
    with_identical(fabricate(params, run, tmp_path), counts)
    facts = study_facts(collect(params, "trial", tmp_path))
    end = "20 held-out clips a fold, " + said if said else "20 held-out clips a fold."
    assert any(fact.endswith(end) for fact in facts)


def test_a_run_of_an_earlier_version_and_one_that_names_them_count_them_once(params: Params, tmp_path: Path) -> None:
    runs = [run for run in expand(params, "trial") if run.dataset == "esc10"]
    with_identical(fabricate(params, runs[0], tmp_path), (1, 2, 0, 0))
    with_identical(fabricate(params, runs[1], tmp_path), (1, 2, 0, 0), [["a", "b"]])
    collection = collect(params, "trial", tmp_path)
    assert len(list(identical.counts_text(collection.results))) == 1
    assert identical.clip_groups(collection, "esc10") == [("a", "b")]


@pytest.mark.slow
def test_the_page_names_them(params: Params, run: Run, tmp_path: Path) -> None:
    with_identical(fabricate(params, run, tmp_path), (2, 5, 0, 0), [["a_1", "b"], ["c", "d", "e"]])
    esc10 = params.datasets["esc10"].model_copy(update={"title": "<b> & c"})
    params = params.model_copy(update={"datasets": {**params.datasets, "esc10": esc10}})
    write_report(params, "trial", tmp_path, tmp_path / "figures")
    page = (tmp_path / "trial/README.md").read_text()
    title = "<summary>2 groups of byte-identical clips in &lt;b&gt; &amp; c</summary>"
    folded = page.split(title)[1].split("</details>")[0]
    assert folded.strip().splitlines() == ["- a\\_1, b", "- c, d, e"]


MANIFEST = {"no/1.wav": "cd", "no/2.wav": "ef", "no/3.wav": "cd", "yes/1.wav": "ab", "yes/2.wav": "ab"}


@pytest.mark.parametrize(
    ("counts", "names"),
    [((2, 4, 0, 0), [("no/1.wav", "no/3.wav"), ("yes/1.wav", "yes/2.wav")]), ((2, 5, 0, 0), []), (None, [])],
    ids=["as many", "other clips", "not counted"],
)
def test_runs_that_only_count_have_the_clips_of_the_manifest(
    params: Params,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counts: tuple[int, ...] | None,
    names: list[tuple[str, ...]],
) -> None:
    with_identical(fabricate(params, run, tmp_path), counts)
    collection = collect(params, "trial", tmp_path)
    monkeypatch.setattr(identical, "manifest_clips", {params.datasets[run.dataset].adapter: MANIFEST}.__getitem__)
    assert identical.clip_groups(collection, run.dataset) == names


def test_the_ten_words_are_named_as_the_package_lists_them(repo: Path) -> None:
    page = (repo / "results/clar_quick/README.md").read_text()
    folded = page.split("groups of byte-identical clips in ten words")[1].split("</details>")[0]
    lines = [line for line in folded.splitlines() if line.startswith("- ")]
    assert len(lines) == 119 and sum(line.count(",") + 1 for line in lines) == 240
