"""Clocks: both sides in turns, so that whatever else the machine does falls on both."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch


def in_turns(sides: Sequence[Callable[[], float]], repeats: int, warm_up: int = 1) -> list[list[float]]:
    """Call A, B, A, B, ...; each returns what it measured. The first ``warm_up`` rounds do not count."""
    rounds = [[side() for side in sides] for _ in range(warm_up + repeats)]
    return [list(values) for values in zip(*rounds[warm_up:], strict=True)]


def timed(work: Callable[[], object], device: torch.device) -> float:
    """The seconds that ``work`` takes until the device has done it."""
    wait_for(device)
    start = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - start


def wait_for(device: torch.device) -> None:
    """Until the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread; NumPy's matrix products are on one in the whole benchmark, see __main__."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def until_line(module: str, arguments: Sequence[str], line: str, environment: Mapping[str, str], log: Path) -> float:
    """Seconds from the start of ``python -m module`` until it prints ``line``; what it says else goes to ``log``."""
    start = time.perf_counter()
    with (
        open(log, "w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as child,
    ):
        assert child.stdout is not None
        found = any(said.strip() == line for said in child.stdout)
        seconds = time.perf_counter() - start
    if not found:
        raise RuntimeError(f"{module} {' '.join(arguments)} never said '{line}':\n{log.read_text()}")
    return seconds


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, and its greatest memory in MB."""

    seconds: float
    anonymous: float  # what it had for itself alone
    resident: float  # with what it shares, such as mapped files
    output: str


def cost_of(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command in ``folder``; RuntimeError with what it said where it fails.

    Its memory is looked at every 5 ms: the kernel's account of an ended child (ru_maxrss) also has that of the
    parent it was forked from.
    """
    path = folder / "output.txt"
    anonymous = resident = 0.0
    with open(path, "w") as file:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT)
        while child.poll() is None:
            seen = memory_of(child.pid)
            anonymous = max(anonymous, seen.get("RssAnon", 0))
            resident = max(resident, seen.get("VmHWM", 0))
            time.sleep(0.005)
        seconds = time.perf_counter() - start
    output = path.read_text()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{output[-2000:]}")
    return Cost(seconds, anonymous, resident, output)


def memory_of(process: int) -> dict[str, float]:
    """What Linux says of a process's memory, in MB; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    pairs = (line.split(":") for line in lines if line.endswith(" kB"))
    return {name: float(value.split()[0]) / 1024 for name, value in pairs}
