"""How a job is ended from outside: on its way out it removes what it has not finished, and a training saves first.

A training finishes its batch, saves, and leaves with a code that means "try again".
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# What ends a job from outside: a cluster or an operating system, SLURM's warning ahead of its limit, a person.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

# What ends other jobs. SIGINT does so without our help, as a KeyboardInterrupt.
ENDS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)

Stop = Callable[[], signal.Signals | None]


class Ended(BaseException):
    """A signal ends the process: raised where it is, so that unfinished files are removed on the way out."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(f"ended by {by.name}; run the same command again")
        self.exit_code = 128 + by


class Interrupted(Exception):
    """A training stopped because a signal asked for it, its checkpoint saved; ``exit_code`` is the process's."""

    def __init__(self, asked: signal.Signals, epoch: int) -> None:
        super().__init__(f"interrupted by {asked.name} in epoch {epoch}; the same command goes on")
        self.exit_code = 130 if asked == signal.SIGINT else os.EX_TEMPFAIL


def never() -> None:
    """The :data:`Stop` of a training that no signal stops."""


@contextmanager
def ending() -> Iterator[None]:
    """Let a signal that ends the process raise :class:`Ended` in the block, but for those that something handles."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        for other in changed:
            signal.signal(other, signal.SIG_IGN)  # the second of two would break off the clearing up
        raise Ended(signal.Signals(number))

    changed = [number for number in ENDS if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


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


def leave_alone(leaving: bool) -> None:
    """Let another Ctrl-C not disturb a process that is ``leaving``: libraries would end in a traceback."""
    if leaving:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
