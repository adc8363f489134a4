"""One process at a time holds a lock, and the next one is told who."""

import os
from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.training.lock import is_held, locked


def test_the_second_is_told_who_holds_it_and_gets_it_after_the_first(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    assert not is_held(path)
    with locked(path, "the kettle is being used"):
        assert is_held(path)
        with pytest.raises(UserError, match=rf"a.lock: the kettle is being used by process {os.getpid()} on "):
            locked(path, "the kettle is being used")
    assert not is_held(path)
    locked(path, "the kettle is being used").close()
