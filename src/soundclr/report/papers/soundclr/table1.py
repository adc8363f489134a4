"""Table I: cross-entropy with each number of masks, in the paper's blocks, ours beside the paper's."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping

from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, records, split
from soundclr.report.intervals import half_width, summary
from soundclr.report.papers.soundclr.reading import Block, Masks, masks_of, table1_cells
from soundclr.report.table import NONE, PARTIAL, Cell, Column, Row, Table, both, formatted, frame_of, sentences


def repeated_settings(paper: Mapping[tuple[Block, int, int], float]) -> str:
    """A sentence on settings that are in the paper's table several times, and how much their accuracies differ."""
    values = defaultdict(list)
    for (block, f, t), value in paper.items():
        values[block.masks(f, t)].append(value)
    spans = [max(found) - min(found) for found in values.values() if len(found) > 1]
    return (
        f"Noise of one cell of the paper's: {len(spans)} settings are in its table more than once, "
        f"with accuracies that differ by up to {formatted(max(spans, default=0.0))} points"
    )


def noise(collection: Collection, dataset: str) -> str:
    """A sentence on the noise of one of our cells; empty where no cell has all its folds."""
    deviations, halves = [], []
    folds = len(collection.params.folds(collection.study, dataset))
    recipes = collection.recipes_of("table1")
    every = collection.asked[collection.asked["there"] & collection.asked["recipe"].isin(recipes)]
    every = every[every["dataset"] == dataset].drop_duplicates(RUN)  # also seeds that other tables ask for
    for found in split(every, "recipe").values():
        whole = [rows["best_epoch_percent"].tolist() for rows in split(found, "seed").values() if len(rows) == folds]
        if len(whole) > 1:
            deviations.append((len(whole), statistics.stdev(map(statistics.fmean, whole))))
        halves += [half_width(values) for values in whole if folds > 1]
    if deviations:
        pooled = math.sqrt(sum((n - 1) * s * s for n, s in deviations) / sum(n - 1 for n, _ in deviations))
        settings = "1 setting" if len(deviations) == 1 else f"{len(deviations)} settings"
        return (
            f"Noise of one cell of ours: {formatted(pooled)} points, the standard deviation over seeds "
            f"(of {settings}, {sum(n for n, _ in deviations)} seeds)"
        )
    if halves:
        return (
            "Noise of one cell of ours: one seed each, so the spread over seeds is unknown; the 95 % interval "
            f"(Student's t over folds) is ± {formatted(statistics.fmean(halves))} points (mean of {len(halves)} cells)"
        )
    return ""


def make(collection: Collection) -> Table:
    """A block for each pair of widths with rows f and columns t: best epoch (last epoch), and the paper's."""
    datasets, recipes = collection.datasets_of("table1"), collection.recipes_of("table1")
    rows, notes = [], []
    for dataset in datasets:
        rows += [*cells_of(collection, dataset)]
        paper = table1_cells(dataset)
        notes += [repeated_settings(paper) if paper else "", noise(collection, dataset)]

    def title(row: Row) -> str:
        widths = ", ".join(NONE if row[name] is None else str(row[name]) for name in ("F", "T"))
        return f"{collection.title(row['dataset'])}: {widths}" if len(datasets) > 1 else widths

    def ours(row: Row) -> Cell:
        return Cell(both(row) + (f" {PARTIAL}" if row["partial"] else ""), bool(row["best"]))

    def theirs(row: Row) -> Cell:
        return Cell(formatted(row["paper_percent"]), bool(row["best_paper"]))

    page = [Column("F, T", title, align="l"), Column("f", "f")]
    shows = {"ours": ours} | ({"paper": theirs} if any(map(table1_cells, datasets)) else {})
    for name, show in shows.items():
        for t in range(max((row["t"] for row in rows), default=0) + 1):
            page.append(Column(f"t = {t}", show, name, where={"t": t}))
    titles = " and ".join(map(collection.title, datasets))
    caption = sentences(
        f"Cross-entropy on {titles} with f masks of up to F mel bands and t masks of up to T frames: "
        "held-out accuracy in %, mean over folds; ours at the best epoch and, in parentheses, at the last",
        f"{collection.covered('table1')}, of {len(recipes)} different settings",
        "A cell with masks of one kind or none (f = 0 or t = 0) is in each block that it belongs to. "
        "Bold: the best cell",
        f"{PARTIAL} No seed has all its folds: the mean of the runs there"
        if any(row["partial"] for row in rows)
        else "",
        *notes,
    )
    csv = ["dataset", "F", "T", "f", "t", "recipe", "runs", "expected_runs", "seeds"]
    csv += ["best_epoch_percent", "last_epoch_percent", "paper_percent"]
    return Table(frame_of(rows), csv, page, caption, line=["dataset", "F", "T", "f"])


def cells_of(collection: Collection, dataset: str) -> Iterator[Values]:
    """The cells of a dataset's blocks, where we or the paper have a value."""
    groups: dict[Masks, Values] = {}
    for group in records(summary(collection.asked_of(dataset, choice="table1"))):
        groups.setdefault(masks_of(collection.settings(dataset, group["recipe"])), group)
    paper = table1_cells(dataset)
    best = max((group["best_epoch_percent"] for group in groups.values() if group["seeds"]), default=0.0)
    best_paper = max(paper.values(), default=0.0)
    none = dict.fromkeys(["recipe", "runs", "expected_runs", "seeds", "best_epoch_percent", "last_epoch_percent"])
    # The paper's blocks, then more for those of our settings that no block holds. Settings with both kinds of masks
    # come first: those with one kind or none then belong to their blocks.
    blocks = list(dict.fromkeys(block for block, _, _ in paper))
    for masks in sorted(groups, key=lambda m: (not (m.f and m.t), not (m.f or m.t), m.width_f or 0, m.width_t or 0)):
        if not any(block.holds(masks) for block in blocks):
            blocks.append(Block(masks.width_f, masks.width_t))
    for block in blocks:
        places = {(masks.f, masks.t) for masks in groups if block.holds(masks)}
        for f, t in sorted(places | {(f, t) for other, f, t in paper if other == block}):
            ours, theirs = groups.get(block.masks(f, t)), paper.get((block, f, t))
            row = {"dataset": dataset, "F": block.width_f, "T": block.width_t, "f": f, "t": t, "paper_percent": theirs}
            is_best = ours is not None and ours["seeds"] and ours["best_epoch_percent"] == best
            row |= {"partial": False, "best": is_best, "best_paper": theirs == best_paper}
            yield row | (none if ours is None else {key: ours[key] for key in [*none, "partial"]})
