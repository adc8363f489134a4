"""A linear probe's accuracy during training: how soon, and to what, each scheme's representation converges."""

from soundclr.report.artefact import Artefact, any_run
from soundclr.report.collect import Collection
from soundclr.report.papers.clar import PAPER
from soundclr.report.style import COLUMN, Drawing, add_legend, draw_chance, handle, look, new_figure

KEY = "convergence"


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Means over the runs that noted a probe, with a band from the least to the greatest; a colour a scheme."""
    import pandas as pd
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(COLUMN, 2.4)
    axes = figure.subplots()
    handles = []
    several = False
    for recipe in collection.recipes_of(KEY):
        results = collection.of(dataset, recipe, KEY)
        histories = [result.history for result in results if "probe_accuracy" in result.history]
        rows = pd.concat(histories).dropna(subset="probe_accuracy") if histories else pd.DataFrame()
        if rows.empty:
            continue
        style = look(collection, recipe)
        table = 100 * rows.groupby("epoch")["probe_accuracy"].agg(["mean", "min", "max"])
        line = {"color": style.colour, "linestyle": style.dashes}
        axes.plot(table.index, table["mean"], marker=style.marker, markersize=2.6, mec="none", **line)
        axes.fill_between(table.index, table["min"], table["max"], color=style.colour, alpha=0.15, linewidth=0)
        handles.append(handle(style.title, **line))
        several = several or len(histories) > 1
    if not handles:
        return None
    axes.set_xlabel("epoch")
    axes.set_ylabel("linear probe's accuracy (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(figure, [*handles, draw_chance(axes, collection.of(dataset, choice=KEY)[0])])
    text = "Held-out accuracy of a linear probe in closed form on the encoder as it is after each of these epochs"
    return Drawing(figure, f"{text}{', mean and range over runs' if several else ''}.")


ARTEFACT = Artefact(KEY, "Convergence", "figure", draw, runs=KEY, paper=PAPER, of=any_run)
