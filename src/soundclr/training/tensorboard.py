"""A run's epochs as TensorBoard's event files, for those who watch it train."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.run.runs import Run

EpochDone = Callable[[int, Mapping[str, Any]], None]
"""Called after each epoch with its number, from 1 over all stages, and its row of history.csv."""


def nothing(epoch: int, row: Mapping[str, Any]) -> None:
    """For a run that nobody watches."""


def watched(run: Run, results: Path, wanted: bool) -> AbstractContextManager[EpochDone]:
    """What to call after each epoch of a run: :func:`writer` to its folder where it is ``wanted``."""
    return writer(folder_of(run, results)) if wanted else nullcontext(nothing)


def folder_of(run: Run, results: Path) -> Path:
    """Where a run's event files are, for ``tensorboard --logdir results/STUDY/tensorboard``."""
    return results / run.study / "tensorboard" / run.dataset / run.group.rpartition("/")[2] / run.name


@contextmanager
def writer(folder: Path) -> Iterator[EpochDone]:
    """Write each epoch's losses, accuracies, learning rate and speed as scalars, ``STAGE/NAME``, as it ends.

    UserError where tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise UserError("params.yaml: `tensorboard: true` needs tensorboardX: `pip install tensorboardX`") from error
    events = SummaryWriter(str(folder))

    def write(epoch: int, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if isinstance(value, float):
                events.add_scalar(f"{row['stage']}/{name}", value, epoch)
        events.flush()

    with events:
        yield write
