"""What every test may ask for: the repository's root, and the real data where it is at hand."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
import torch

torch.set_num_threads(1)


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


@pytest.fixture(scope="session", autouse=True)
def demo_under_way(
    request: pytest.FixtureRequest, repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"] | None]:
    """The folder and the process of the demo study, begun before the first test: most tests leave a core idle.

    None where no chosen test asks for it.
    """
    asking = (item for item in request.session.items if item.path.parent.name == "workflow")
    if not any("demo" in getattr(item, "fixturenames", ()) for item in asking):
        yield None
        return
    from projects import begin_in, copy_of  # beside the tests that ask for it

    folder = copy_of(repo, tmp_path_factory.mktemp("demo") / "project")
    command = ["snakemake", "--cores", "all", "--config", "study=demo"]
    process = begin_in(folder, *command)
    yield folder, process
    process.terminate()
    process.wait()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Host]:
    """A host to download from."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with loopback.serving() as server:
        yield server
