"""A small project, for the tests to spoil."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import toy
import yaml

BIRDS = {
    "title": "birds",
    "adapter": "csv",
    "file": "sounds/birds.csv",
    "classes": 2,
    "folds": 2,
    "sample_rate": toy.RATE,
    "samples": toy.SAMPLES,
}


def write_project(repo: Path, folder: Path, **changes: Any) -> None:
    """params.yaml, with the study ``toy`` on its features and on ``birds``, eight clips of one's own."""
    toy.project(repo, folder)
    content = toy.content(repo)
    content["datasets"]["birds"] = BIRDS
    content["studies"]["toy"] |= {"datasets": ["toy", "birds"], "recipes": ["cross_entropy", "hybrid"]}
    content["studies"]["toy"]["settings"]["training"]["epochs"] = 2
    content["datasets"].update(changes)
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "sounds").mkdir()
    random = np.random.default_rng(0)
    lines = ["path,label,fold"]
    for name in ("robin", "wren"):
        for number in range(4):
            soundfile.write(folder / "sounds" / f"{name}{number}.wav", random.normal(0, 0.1, 1500), toy.RATE)
            lines.append(f"{name}{number}.wav,{name},{1 + number % 2}")
    (folder / "sounds" / "birds.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
