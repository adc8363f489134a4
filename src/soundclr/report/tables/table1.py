"""Table I: cross-entropy with every number of masks, in the paper's blocks, ours beside the paper's."""

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Collection as Keys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from soundclr.params import RunSettings
from soundclr.report.accuracy import NONE, PARTIAL, Group, both, covered, group, number
from soundclr.report.collect import Collection
from soundclr.report.intervals import half_width
from soundclr.report.paper import percent, published
from soundclr.report.tables.render import Cell, Column, Table

HEADER = [
    "dataset",
    "F",
    "T",
    "f",
    "t",
    "recipe",
    "runs",
    "expected_runs",
    "seeds",
    "best_epoch_percent",
    "last_epoch_percent",
    "paper_percent",
]

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
    """What a run's settings say of its masks."""
    augment = settings.augment
    block = Block(augment.frequency_width, augment.time_width)
    return block.masks(augment.frequency_masks, augment.time_masks)


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
    for recipe in recipes:
        by_seed = defaultdict(list)
        for run, result in collection.found.items():  # also seeds that other tables ask for
            if (run.dataset, run.recipe) == (dataset, recipe):
                by_seed[run.seed].append(100 * result.metrics.accuracy.best_epoch)
        folds = len(collection.params.folds(collection.study, dataset))
        seeds = [values for values in by_seed.values() if len(values) == folds]
        if len(seeds) > 1:
            deviations.append((len(seeds), statistics.stdev(map(statistics.fmean, seeds))))
        halves += [half_width(values) for values in seeds if folds > 1]
    if deviations:
        pooled = math.sqrt(sum((n - 1) * s * s for n, s in deviations) / sum(n - 1 for n, _ in deviations))
        settings = "1 setting" if len(deviations) == 1 else f"{len(deviations)} settings"
        return (
            f"Noise of one cell of ours: {number(pooled)} points, the standard deviation over seeds "
            f"(of {settings}, {sum(n for n, _ in deviations)} seeds)."
        )
    if halves:
        return (
            "Noise of one cell of ours: one seed each, so seeds say nothing; the 95 % interval (Student's t over "
            f"folds) is ± {number(statistics.fmean(halves))} points (mean of {len(halves)} cells)."
        )
    return ""


def make(collection: Collection) -> Table:
    """A block for each pair of widths, rows f, columns t: best epoch (last epoch), beside the paper's."""
    params = collection.params
    chosen = params.artefact(collection.study, "table1")
    datasets, recipes = chosen.datasets or (), chosen.recipes or ()
    data: list[Sequence[object]] = [HEADER]
    lines: list[list[Cell | str]] = []
    notes, most_t, any_paper, partial = [], 0, False, False
    parts = []
    for dataset in datasets:
        recipe_of: dict[Masks, str] = {}
        for recipe in recipes:
            recipe_of.setdefault(masks_of(params.resolve(collection.study, dataset, recipe)), recipe)
        paper = paper_cells(dataset)
        parts.append((dataset, recipe_of, paper))
        most_t = max([most_t, *(m.t for m in recipe_of), *(t for _, _, t in paper)])
        any_paper = any_paper or bool(paper)
    for dataset, recipe_of, paper in parts:
        groups = {
            masks: group(collection.expected_of(dataset, recipe, "table1"), collection.shown("table1", dataset, recipe))
            for masks, recipe in recipe_of.items()
        }
        partial = partial or any(ours.partial for ours in groups.values())
        best = max((g.best_epoch.mean or 0 for g in groups.values() if g.seeds), default=0.0)
        best_paper = max(paper.values(), default=0.0)
        prefix = f"{params.datasets[dataset].title}: " if len(datasets) > 1 else ""
        for block in blocks_of((block for block, _, _ in paper), recipe_of):
            ours_f = {masks.f for masks in recipe_of if block.holds(masks)}
            for f in sorted(ours_f | {f for b, f, _ in paper if b == block}):
                line: list[Cell | str] = [prefix + block.title, str(f)]
                published_line: list[Cell | str] = []
                for t in range(most_t + 1):
                    masks = block.masks(f, t)
                    shown = masks in groups and block.holds(masks)
                    line.append(cell(groups[masks], best) if shown else NONE)
                    value = paper.get((block, f, t))
                    published_line.append(Cell(number(value), value == best_paper))
                    if shown or value is not None:
                        data.append([dataset, *block, f, t, *csv_cells(groups.get(masks), recipe_of.get(masks)), value])
                lines.append(line + (published_line if any_paper else []))
        if paper:
            repeats, span = repeated_settings(paper)
            notes.append(
                f"Noise of one cell of the paper's: {repeats} settings stand in its table more than once, "
                f"with accuracies that differ by up to {number(span)} points."
            )
        notes.append(noise(collection, dataset, recipes))
    columns = [Column("F, T", align="l"), Column("f")]
    for name in ["ours", *(["paper"] if any_paper else [])]:
        columns += [Column(f"t = {t}", name) for t in range(most_t + 1)]
    results = [result for dataset in datasets for result in collection.shown("table1", dataset)]
    titles = " and ".join(params.datasets[dataset].title for dataset in datasets)
    caption = [
        f"Cross-entropy on {titles} with f masks of up to F mel bands and t masks of up to T frames: "
        "held-out accuracy in %, mean over folds; ours at the best epoch and, in parentheses, at the last.",
        f"{covered(len(results), len(collection.expected['table1']))}, of {len(recipes)} different settings.",
        "A cell whose masks have no width of their own (f = 0 or t = 0) stands in each block that it belongs to. "
        "Bold: the best cell.",
        *([f"{PARTIAL} No seed has all its folds: the mean of the runs there."] if partial else []),
        *notes,
    ]
    return Table("table1", "Table I", " ".join(filter(None, caption)), columns, lines, data, results)


def cell(ours: Group, best: float) -> Cell:
    """A cell of ours; the best of those with all folds is marked."""
    return Cell(both(ours), ours.seeds > 0 and ours.best_epoch.mean == best)


def csv_cells(ours: Group | None, recipe: str | None) -> list[object]:
    """A cell of ours for programs."""
    if ours is None:
        return [None] * 6
    return [recipe, ours.runs, ours.expected_runs, ours.seeds, ours.best_epoch.mean, ours.last_epoch.mean]
