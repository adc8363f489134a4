"""The one exception that a user is meant to read."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something the user can mend: one line that says what, where and what to do.

    The command line prints it without a traceback and exits with status 2. Line ends and other characters that
    do not print, which names of files and settings may hold, are shown as Python writes them.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


class Busy(UserError):
    """What another process is doing just now: the same command works once that has ended, so a job is tried again."""


@contextmanager
def remedied(remedy: str) -> Iterator[None]:
    """End a UserError of the block with ``remedy``, where it does not say it itself."""
    try:
        yield
    except UserError as error:
        if remedy in str(error):
            raise
        raise UserError(f"{error}; {remedy}") from error
