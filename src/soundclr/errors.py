"""The exceptions whose messages are meant for users."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """An error that the user can fix: one line that says what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with status 2. Line ends and other unprintable characters,
    which names of files and settings may contain, are escaped as in Python.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


class Busy(UserError):
    """Another process is using something; the same command works later, so the workflow tries the job again."""


@contextmanager
def remedied(remedy: str) -> Iterator[None]:
    """Append ``remedy`` to a UserError in the block, unless the message has it already."""
    try:
        yield
    except UserError as error:
        if remedy in str(error):
            raise
        raise UserError(f"{error}; {remedy}") from error
