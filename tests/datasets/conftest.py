"""The small copies of ESC-50 and UrbanSound8K, unpacked and packed."""

import shutil
from pathlib import Path

import pytest

from support import small_copies


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both releases, unpacked; not to be changed."""
    folder = tmp_path_factory.mktemp("originals")
    small_copies.make_esc50(folder)
    small_copies.make_us8k(folder)
    return folder


@pytest.fixture(autouse=True)
def _clips_of_the_small_us8k(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the list of UrbanSound8K's clips by the small copy's."""
    if "originals" in request.fixturenames:
        clips = small_copies.manifest_of(request.getfixturevalue("originals") / small_copies.US8K_AUDIO)
        monkeypatch.setattr("soundclr.datasets.us8k.read_manifest", lambda name: clips)


@pytest.fixture(scope="module")
def archives(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both releases' archives; not to be changed."""
    folder = tmp_path_factory.mktemp("archives")
    small_copies.zipped(originals / "ESC-50-master", folder / small_copies.ESC50_ARCHIVE)
    small_copies.tarred(originals / "UrbanSound8K", folder / small_copies.US8K_ARCHIVE)
    return folder


@pytest.fixture
def copies(originals: Path, tmp_path: Path) -> Path:
    """A copy of both unpacked releases, to be broken."""
    return Path(shutil.copytree(originals, tmp_path / "mirror"))
