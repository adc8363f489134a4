"""What every test may ask for: the repository's root, and the real data where it is at hand."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from support import loopback

torch.set_num_threads(1)

# Under nohup, or in a script's background, these are ignored, and children inherit that: here they get their own again.
for ignored in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda *_: None)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mirror(repo: Path) -> Path:
    """A folder with the real downloads: SOUNDCLR_MIRROR, or `shared/mirror` beside the repository."""
    folder = Path(os.environ.get("SOUNDCLR_MIRROR", repo.parent / "shared" / "mirror"))
    if not any(folder.glob("ESC-10-*.zip")):
        pytest.skip("needs the real downloads: set SOUNDCLR_MIRROR to the folder that holds the ESC-10 archive")
    return folder


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Host]:
    """A host to download from."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with loopback.serving() as server:
        yield server
