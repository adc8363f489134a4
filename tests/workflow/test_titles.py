"""Titles and notes that would be markup in the HTML report: a reader sees them as they were written."""

import html
import json
import re
from pathlib import Path

import yaml

from support import toy
from support.projects import copy_of, run_in

TITLE = "</script><script>alert(1)</script> <!-- .. raw:: html {{ x }} javascript:alert(2) `a <b>`_"


def test_a_title_is_text_in_the_html_report(repo: Path, tmp_path: Path) -> None:
    folder = copy_of(repo, tmp_path / "project")
    content = toy.content(repo)
    for place in (content["studies"]["toy"], content["datasets"]["toy"], content["recipes"]["hybrid"]):
        place["title"] = TITLE
    content["datasets"]["toy"]["title"] = f".. include:: {tmp_path}/secret"
    content["studies"]["toy"]["note"] = TITLE
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "secret").write_text("a private line")
    (folder / "results").mkdir(exist_ok=True)
    run_in(folder, "soundclr", "report")
    run_in(folder, "snakemake", "--cores", "1", "--report", "report.html")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "a private line" not in text
    assert "<script>alert(1)" not in text
    captions = [
        html.unescape(re.sub("<[^>]*>", "", json.loads(f'"{caption}"')))
        for caption in re.findall(r'"caption": "((?:[^"\\]|\\.)*)"', text)
    ]
    assert len(captions) > 10
    assert all(f"Study toy: {TITLE} ({TITLE})." in caption for caption in captions)
    assert any(caption.startswith(f".. include:: {tmp_path}/secret: not enough runs yet.") for caption in captions)
    assert 'href=\\"javascript' not in text
