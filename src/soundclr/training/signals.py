"""Ends a job on a signal: it removes its unfinished files, and a training saves a checkpoint first.

A training finishes its batch, saves, and exits with a code that means "try again".
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Sent by a cluster or an operating system, by SLURM ahead of a time limit, and by a person (Ctrl-C).
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

# These end other jobs. SIGINT does so by itself, as a KeyboardInterrupt.
ENDS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)

Stop = Callable[[], signal.Signals | None]


class Ended(BaseException):
    """A signal ends the process. It is raised as an exception so that unfinished files are removed."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(f"ended by {by.name}; run the same command again")
        self.exit_code = 128 + by


class Interrupted(Exception):
    """A signal stopped a training, which has saved its checkpoint. ``exit_code`` is the process's."""

    def __init__(self, asked: signal.Signals, epoch: int) -> None:
        super().__init__(f"interrupted by {asked.name} in epoch {epoch}; run the same command to resume")
        self.exit_code = 130 if asked == signal.SIGINT else os.EX_TEMPFAIL


def never() -> None:
    """A :data:`Stop` for trainings that no signal stops."""


@contextmanager
def ending() -> Iterator[None]:
    """Within the block, signals that would end the process raise :class:`Ended`, unless they already have a handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        for other in changed:
            signal.signal(other, signal.SIG_IGN)  # a second signal would interrupt the cleaning up
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
    """Yield a function that returns the signal that was received, or None.

    The first signal is only noted; a second one has its former effect, which ends the process at once. The former
    handlers are restored at the end. Outside the main thread no signal is caught.
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
    """Ignore Ctrl-C from now on if the process is ``leaving``; libraries would print a traceback."""
    if leaving:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
