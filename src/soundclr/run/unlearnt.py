"""Classes of which a run has nothing to learn, since all their clips are in the folds that train nothing.

What is held out of them can only come out wrong: it is said where folds are made, planned, trained and reported.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.run import runs
from soundclr.run.index_record import known_index, read_made_of

Placed = tuple[str, int]  # a clip's class and fold


def unlearnt(clips: Iterable[Placed], apart: Iterable[int]) -> list[str]:
    """The classes all of whose ``clips`` are in the folds ``apart``, which train nothing."""
    folds = defaultdict(set)
    for class_name, fold in clips:
        folds[class_name].add(fold)
    return [class_name for class_name in sorted(folds) if folds[class_name] <= set(apart)]


def apart(fold: int, folds: int, inner: bool) -> set[int]:
    """The folds that train nothing where ``fold`` is held out: with an ``inner`` one, the next one too."""
    return {fold, fold % folds + 1} if inner else {fold}


def sentence(classes: list[str], fold: int) -> str:
    """What to say of ``classes`` without a clip to learn from."""
    names = ", ".join(map(repr, classes[:5])) + (f" and {len(classes) - 5} more" if len(classes) > 5 else "")
    of = f"class {names} has" if len(classes) == 1 else f"classes {names} have"
    return f"{of} no clip to learn from where fold {fold} is held out, so nothing held out of it can come out right"


def lines(clips: Iterable[Placed], held_out: Iterable[int], folds: int, inner: bool = False) -> Iterator[str]:
    """A line for each fold whose holding out leaves classes with nothing to learn from."""
    clips = set(clips)
    for fold in held_out:
        if classes := unlearnt(clips, apart(fold, folds, inner)):
            yield sentence(classes, fold)


def placed(params: Params, dataset: str, data: Path = Path("data")) -> list[Placed]:
    """Class and fold of each clip, as far as they are known: by the index or, before it is there, by your table."""
    settings, index = params.datasets[dataset], data / dataset / "index.csv"
    try:
        current = read_made_of(index).get("definition") == runs.definition_hash(settings)
    except UserError:
        current = False
    known = known_index(index) if current else None
    table = runs.own_table(settings) if known is None else None
    text = known.content if known else (table or b"").decode("utf-8-sig", errors="replace")
    header = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    name = "class" if known else "label"
    try:
        return [(row[name], int(row["fold"])) for row in rows]
    except (KeyError, TypeError, ValueError, csv.Error):  # no folds, or a mistake that fetching names
        return []
