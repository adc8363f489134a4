"""Several trainings at once on one GPU: the paper's study is hundreds of small ones."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.timing import wait_for
from benchmarks.trainer import Trainer
from soundclr.params import RunSettings

AT_ONCE = (1, 2, 4, 8)
READY = "ready"


def measure(context: Context) -> Iterator[Row]:
    """Seconds per 1,000 clips, all jobs together, against one job alone; nothing without a GPU."""
    if context.device.type != "cuda":
        return
    settings = problem.run_settings(context.params, "hybrid", context.choose(128, 16))
    file = context.folder / "jobs.json"
    file.write_text(settings.model_dump_json())
    rounds = [[seconds(context, file, count) for count in AT_ONCE] for _ in range(context.choose(3, 1))]
    columns = list(zip(*rounds, strict=True))
    for count, column in zip(AT_ONCE, columns, strict=True):
        yield Row(
            name=f"jobs_{count}",
            what=f"{count} training{'s' if count > 1 else ''} at once on one GPU",
            kind="speed-up",
            unit="s per 1,000 clips",
            ours_is=f"{count} process{'es' if count > 1 else ''}, together",
            ours=column,
            against_is="1 process",
            against=columns[0],
        )


def seconds(context: Context, settings: Path, count: int) -> float:
    """Seconds that ``count`` processes at once need for 1,000 clips."""
    duration = context.choose(15, 2)
    command = [sys.executable, "-m", "benchmarks.jobs", str(settings), str(context.device), str(duration)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline().strip() != READY:
            raise RuntimeError(f"one of {count} trainings at once did not start")
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return 1000 / sum(float(child.communicate()[0]) for child in children)


def main(settings: Path, device: torch.device, duration: float) -> None:
    """One of the trainings: prints that it is ready, waits for a line, trains, prints its clips a second."""
    run = RunSettings.model_validate_json(settings.read_text())
    trainer = Trainer(run, problem.waveforms(problem.clips(64)), device, settings.parent)
    trainer.train(3)
    wait_for(device)
    print(READY, flush=True)
    sys.stdin.readline()
    start, batches, passed = time.perf_counter(), 0, 0.0
    while passed < duration:
        trainer.train(5)
        wait_for(device)
        batches, passed = batches + 5, time.perf_counter() - start
    print(batches * run.stages[0].training.batch_size / passed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), torch.device(sys.argv[2]), float(sys.argv[3]))
