"""How many clips a run learns from and is judged on, before its dataset is fetched."""

import csv
import io

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.run import runs
from soundclr.run.runs import Run


def clips_of(params: Params, dataset: str) -> int:
    """The number of a dataset's clips, before it is fetched."""
    source = params.datasets[dataset]
    if source.clips is not None:
        return source.clips if isinstance(source.clips, int) else sum(source.clips)
    if source.synthetic is not None and source.classes is not None:
        return source.classes * source.folds * source.synthetic.clips_per_fold
    table = runs.own_table(source)
    text = runs.manifest_text(source.adapter) if table is None else table.decode(errors="replace")
    if text is None:
        raise UserError(f"dataset {dataset}: its number of clips is not known; give it `clips` in params.yaml")
    rows = csv.reader(io.StringIO(text, newline=""))
    return sum(bool("".join(row).strip(" ;")) for row in rows) - 1  # spreadsheets leave empty rows


def training_clips(params: Params, run: Run) -> tuple[float, float]:
    """The number of a run's training clips, and of the clips that are evaluated after each epoch.

    Folds whose sizes are not known before the dataset is fetched count as equal.
    """
    source = params.datasets[run.dataset]
    equal = (clips_of(params, run.dataset) / source.folds,) * source.folds
    sizes: tuple[float, ...] = source.clips if isinstance(source.clips, tuple) else equal
    inner = params.resolve(run.study, run.dataset, run.recipe).stages[-1].training.validation == "inner"
    judged = run.fold % len(sizes) + 1 if inner else run.fold
    learnt = sum(size for fold, size in enumerate(sizes, start=1) if fold not in (run.fold, judged))
    return learnt, sizes[judged - 1]
