"""Finds classes without training clips, because all their clips are in folds that a run does not train on.

Their held-out clips cannot be classified correctly. Fetching, planning, training and the report warn about them.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from soundclr.params import Params
from soundclr.run import runs
from soundclr.run.index_record import current_identity, known_index

Placed = tuple[str, int]  # a clip's class and fold


def sentence(classes: list[str], fold: int) -> str:
    """The warning for ``classes`` without a training clip."""
    names = ", ".join(map(repr, classes[:5])) + (f" and {len(classes) - 5} more" if len(classes) > 5 else "")
    have = f"class {names} has" if len(classes) == 1 else f"classes {names} have"
    return f"{have} no clip to learn from where fold {fold} is held out, so held-out clips of it cannot be right"


def lines(clips: Iterable[Placed], held_out: Iterable[int], folds: int, inner: bool = False) -> Iterator[str]:
    """A warning for each held-out fold that leaves classes without training clips.

    With an ``inner`` fold, a run does not train on the next fold either.
    """
    folds_of = defaultdict(set)
    for class_name, fold in clips:
        folds_of[class_name].add(fold)
    for fold in held_out:
        apart = {fold, fold % folds + 1} if inner else {fold}
        if classes := [name for name in sorted(folds_of) if folds_of[name] <= apart]:
            yield sentence(classes, fold)


def placed(params: Params, dataset: str, data: Path = Path("data")) -> list[Placed]:
    """The class and fold of each clip, if known: from the index or, before the fetch, from your table."""
    known = known_index(data / dataset / "index.csv") if current_identity(params, dataset, data) is not None else None
    table = runs.own_table(params.datasets[dataset]) if known is None else None
    text = known.content if known else (table or b"").decode("utf-8-sig", errors="replace")
    header = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    name = "class" if known else "label"
    try:
        return [(row[name], int(row["fold"])) for row in rows]
    except (KeyError, TypeError, ValueError, csv.Error):  # no folds, or a mistake that fetching names
        return []
