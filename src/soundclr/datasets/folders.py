"""Folders that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``folder``; give it that name when the block ends well.

    A folder that already has the name is replaced. When the block fails, the temporary folder is deleted
    and the old one stays. What a killed process left behind is cleared by the next call.
    """
    temporary = folder.with_name(f".{folder.name}.partial")
    outdated = folder.with_name(f".{folder.name}.outdated")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(outdated, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            folder.rename(outdated)  # a delete can be cut short, a rename cannot
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(outdated, ignore_errors=True)
