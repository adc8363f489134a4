"""Table I: cross-entropy with every number of masks, in the paper's blocks, ours beside the paper's."""

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Keys
from typing import NamedTuple

from soundclr.params import RunSettings
from soundclr.report.accuracy import NONE, PARTIAL, at_places, both, group_of, number
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import half_width
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import percent, published
from soundclr.report.table import Cell, Column, Record, Table, sentences

ROW = re.compile(r"F=(\d+),T=(\d+),f=(\d+)")


class Masks(NamedTuple):
    """f masks of up to F bands and t of up to T frames; the width of no masks is None, as it changes nothing."""

    f: int
    width_f: int | None
    t: int
    width_t: int | None


class Block(NamedTuple):
    """The widths that a block of the table has: F in bands and T in frames; None where only rows f = 0 need none."""

    width_f: int | None
    width_t: int | None

    @property
    def title(self) -> str:
        """As in ``16, 32``."""
        return ", ".join(NONE if width is None else str(width) for width in self)

    def masks(self, f: int, t: int) -> Masks:
        """The masks of one of its cells."""
        return Masks(f, self.width_f if f else None, t, self.width_t if t else None)

    def holds(self, masks: Masks) -> bool:
        """Whether one of its cells has these masks."""
        return self.masks(masks.f, masks.t) == masks


def masks_of(settings: RunSettings) -> Masks:
    """What the first stage's augmentations say of its masks."""
    chosen = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    bands, frames = (chosen.get(name, {"count": 0, "width": 0}) for name in ("frequency_mask", "time_mask"))
    return Block(bands["width"], frames["width"]).masks(bands["count"], frames["count"])


def paper_cells(dataset: str) -> dict[tuple[Block, int, int], float]:
    """The paper's accuracies by block, f and t, in its order; none for a dataset that its Table I does not have."""
    cells = {}
    for line in published("table1", dataset):
        place, value = ROW.fullmatch(line["row"]), percent(line)
        if place and value is not None:
            width_f, width_t, f = map(int, place.groups())
            cells[Block(width_f, width_t), f, int(line["column"].removeprefix("t="))] = value
    return cells


def blocks_of(paper: Iterable[Block], ours: Keys[Masks]) -> list[Block]:
    """The paper's blocks, then one for the widths of each of our settings that none of those before holds."""
    blocks = list(dict.fromkeys(paper))
    # Settings with both kinds of masks first: those with one kind, or none, then stand in their blocks.
    for masks in sorted(ours, key=lambda m: (not (m.f and m.t), not (m.f or m.t), m.width_f or 0, m.width_t or 0)):
        if not any(block.holds(masks) for block in blocks):
            blocks.append(Block(masks.width_f, masks.width_t))
    return blocks


def repeated_settings(paper: Mapping[tuple[Block, int, int], float]) -> tuple[int, float]:
    """How many settings the paper's table has more than once, and by how much at most one's accuracies differ."""
    values = defaultdict(list)
    for (block, f, t), value in paper.items():
        values[block.masks(f, t)].append(value)
    spans = [max(found) - min(found) for found in values.values() if len(found) > 1]
    return len(spans), max(spans, default=0.0)


def noise(collection: Collection, dataset: str, recipes: Iterable[str]) -> str:
    """What is known of the noise of one of our cells, as a sentence; nothing where no cell has all its folds."""
    deviations, halves = [], []
    folds = len(collection.params.folds(collection.study, dataset))
    for recipe in recipes:
        # also seeds that other tables ask for
        found = [
            result for result in collection.results if (result.run.dataset, result.run.recipe) == (dataset, recipe)
        ]
        by_seed = defaultdict(list)
        for (_, seed), value in at_places(found).items():
            by_seed[seed].append(value)
        seeds = [values for values in by_seed.values() if len(values) == folds]
        if len(seeds) > 1:
            deviations.append((len(seeds), statistics.stdev(map(statistics.fmean, seeds))))
        halves += [half_width(values) for values in seeds if folds > 1]
    if deviations:
        pooled = math.sqrt(sum((n - 1) * s * s for n, s in deviations) / sum(n - 1 for n, _ in deviations))
        settings = "1 setting" if len(deviations) == 1 else f"{len(deviations)} settings"
        return (
            f"Noise of one cell of ours: {number(pooled)} points, the standard deviation over seeds "
            f"(of {settings}, {sum(n for n, _ in deviations)} seeds)"
        )
    if halves:
        return (
            "Noise of one cell of ours: one seed each, so seeds say nothing; the 95 % interval (Student's t over "
            f"folds) is ± {number(statistics.fmean(halves))} points (mean of {len(halves)} cells)"
        )
    return ""


def make(collection: Collection) -> Table:
    """A block for each pair of widths, rows f, columns t: best epoch (last epoch), beside the paper's."""
    datasets, recipes = collection.datasets_of("table1"), collection.recipes_of("table1")
    records, notes = [], []
    for dataset in datasets:
        records += [*records_of(collection, dataset)]
        if paper := paper_cells(dataset):
            repeats, span = repeated_settings(paper)
            notes.append(
                f"Noise of one cell of the paper's: {repeats} settings stand in its table more than once, "
                f"with accuracies that differ by up to {number(span)} points"
            )
        notes.append(noise(collection, dataset, recipes))
    columns = [
        Column("dataset"),
        Column(name="F, T", show=lambda record: title(collection, record), align="l"),
        *map(Column, ("F", "T")),
        Column("f", "f"),
        *map(Column, ("t", "recipe", "runs", "expected_runs", "seeds")),
        *map(Column, ("best_epoch_percent", "last_epoch_percent", "paper_percent")),
    ]
    for name in ["ours", *(["paper"] if any(map(paper_cells, datasets)) else [])]:
        for t in range(max((record["t"] for record in records), default=0) + 1):
            columns.append(Column(name=f"t = {t}", group=name, show=show(name), where={"t": t}))
    titles = " and ".join(map(collection.title, datasets))
    caption = sentences(
        f"Cross-entropy on {titles} with f masks of up to F mel bands and t masks of up to T frames: "
        "held-out accuracy in %, mean over folds; ours at the best epoch and, in parentheses, at the last",
        f"{collection.covered('table1')}, of {len(recipes)} different settings",
        "A cell whose masks have no width of their own (f = 0 or t = 0) stands in each block that it belongs to. "
        "Bold: the best cell",
        f"{PARTIAL} No seed has all its folds: the mean of the runs there"
        if any(record["partial"] for record in records)
        else "",
        *notes,
    )
    return Table(columns, records, caption, collection.of(choice="table1"), line=["dataset", "F", "T", "f"])


def records_of(collection: Collection, dataset: str) -> Iterator[Record]:
    """The cells of a dataset's blocks that we or the paper have."""
    recipe_of: dict[Masks, str] = {}
    for recipe in collection.recipes_of("table1"):
        recipe_of.setdefault(masks_of(collection.params.resolve(collection.study, dataset, recipe)), recipe)
    groups = {masks: group_of(collection, dataset, recipe, "table1") for masks, recipe in recipe_of.items()}
    paper = paper_cells(dataset)
    best = max((ours.best_epoch.mean or 0.0 for ours in groups.values() if ours.seeds), default=0.0)
    best_paper = max(paper.values(), default=0.0)
    for block in blocks_of((block for block, _, _ in paper), recipe_of):
        places = {(masks.f, masks.t) for masks in recipe_of if block.holds(masks)}
        for f, t in sorted(places | {(f, t) for other, f, t in paper if other == block}):
            masks, theirs = block.masks(f, t), paper.get((block, f, t))
            ours = groups.get(masks)
            yield {
                **{"dataset": dataset, "F": block.width_f, "T": block.width_t, "f": f, "t": t},
                "recipe": recipe_of.get(masks),
                "ours": ours,
                **{key: getattr(ours, key, None) for key in ("runs", "expected_runs", "seeds")},
                **(ours.percents() if ours else dict.fromkeys(("best_epoch_percent", "last_epoch_percent"))),
                "paper_percent": theirs,
                "partial": ours is not None and ours.partial,
                "best": {"ours": ours and ours.seeds and ours.best_epoch.mean == best, "paper": theirs == best_paper},
            }


def title(collection: Collection, record: Record) -> str:
    """A block's widths, and its dataset where there are several."""
    several = len(collection.datasets_of("table1")) > 1
    return (f"{collection.title(record['dataset'])}: " if several else "") + Block(record["F"], record["T"]).title


def show(whose: str) -> Callable[[Record], Cell]:
    """A cell of ours, best epoch (last epoch), or of the paper's; the best is marked."""

    def cell(record: Record) -> Cell:
        ours = both(record, f" {PARTIAL}" if record["partial"] else "")
        return Cell(ours if whose == "ours" else number(record["paper_percent"]), bool(record["best"][whose]))

    return cell


ARTEFACT = Artefact("table1", "Table I", "table", make, runs="table1", paper=PAPER)
