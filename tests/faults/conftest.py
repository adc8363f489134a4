"""A project to spoil, and machines that are short of something."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from soundclr.commands import cli
from support.spoiling import write_project

# One line of standard error, from a command that must fail
Refuse = Callable[[str], str]


@pytest.fixture(scope="session")
def unspoilt(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of :func:`write_project`, to be copied."""
    folder = tmp_path_factory.mktemp("unspoilt")
    write_project(repo, folder)
    return folder


@pytest.fixture
def project(unspoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, in which commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    shutil.copytree(unspoilt, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str]) -> Refuse:
    """``refuse("fetch birds")``: status 2 and one line, which is returned; progress may precede it."""

    def run(line: str) -> str:
        capsys.readouterr()
        code = cli.main(line.split())
        captured = capsys.readouterr()
        *progress, said = captured.err.splitlines()
        assert code == 2 and captured.out == "", captured.out + captured.err
        assert said.startswith("soundclr: error: ") and not any("rror" in line for line in progress), captured.err
        return said

    return run


@pytest.fixture
def succeed(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """``succeed("fetch birds")``: the command ends with status 0; its standard output."""

    def run(line: str) -> str:
        capsys.readouterr()
        code = cli.main(line.split())
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return run


class Disk:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        """Such as ``size=100k`` or ``ro``."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True, capture_output=True)

    def fill(self) -> None:
        """Leave no byte free."""
        with open(self.path / "filler", "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 8 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("NOT TESTED: full and read-only disks; mounting a tmpfs for them needs root")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def nobody() -> Iterator[None]:
    """For root, to whom no file is forbidden, to be another user; others stay who they are."""
    if os.geteuid():
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """A context in which permissions count."""
    return nobody


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that every user can enter and write to, unlike pytest's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)
