"""How a training is asked to stop: finish the batch, save, and leave with a code that means "try again"."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# What ends a job from outside: a cluster or an operating system, SLURM's warning ahead of its limit, a person.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

Stop = Callable[[], signal.Signals | None]


class Interrupted(Exception):
    """A training stopped because a signal asked for it, its checkpoint saved; ``exit_code`` is the process's."""

    def __init__(self, asked: signal.Signals, epoch: int) -> None:
        super().__init__(f"interrupted by {asked.name} in epoch {epoch}; the same command goes on")
        self.exit_code = 130 if asked == signal.SIGINT else os.EX_TEMPFAIL


def never() -> None:
    """The :data:`Stop` of a training that no signal stops."""


@contextmanager
def listening() -> Iterator[Stop]:
    """Yield a function that returns the signal which has asked to stop, or None.

    The first signal only asks; a second one does what it did before, which ends the process at once. What
    handled the signals before does again afterwards. Outside the main thread nothing is caught.
    """
    if threading.current_thread() is not threading.main_thread():
        yield never
        return
    asked: list[signal.Signals] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, _: FrameType | None) -> None:
        asked.append(signal.Signals(number))
        restore()

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield lambda: asked[0] if asked else None
    finally:
        restore()
