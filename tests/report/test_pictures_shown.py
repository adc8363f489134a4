"""A study whose networks start from pictures shows them as what they are."""

from pathlib import Path

from soundclr.params import load
from soundclr.report.collect import collect
from soundclr.report.model_card import data
from soundclr.run.runs import find_run, started_from
from support.fabricate import fabricate


def test_the_pictures_that_encoders_start_from(repo: Path, tmp_path: Path) -> None:
    params = load(repo / "params.yaml")
    run = find_run(params, "registered_shin", "esc10", "start_pictures", 2, 0)
    start = started_from(params, run)
    assert start is not None and (start.dataset, start.fold) == ("tiny_imagenet", 1)
    for one in (run, start):
        fabricate(params, one, tmp_path)
    collection = collect(params, "registered_shin", tmp_path)
    assert len(collection.results) == 2
    rows = [line.split(" | ") for line in data(collection).splitlines() if line.startswith("| ")]
    assert {row[0].strip("| "): row[2] for row in rows[2:]} == {
        "ESC-10": "5 s at 44,100 Hz, mono",
        "Tiny-ImageNet": "64 x 64 pixels, RGB",
    }
