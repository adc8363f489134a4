"""The status as text, at most 100 columns wide, and its repeated display."""

import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.locks import is_held
from soundclr.planning.status.jobs import (
    JobStatus,
    Places,
    State,
    Study,
    TrainingStatus,
    data_jobs,
    evaluations,
    tables,
    training_status,
)
from soundclr.planning.status.left import Left, left
from soundclr.run.runs import Run

WIDTH = 100
SECONDS = 5.0  # between two displays
STATES: tuple[State, ...] = ("running", "starting", "failed", "stopped", "waiting")  # besides done, in the order shown


def lines(study: Study, places: Places) -> list[str]:
    """The status of a study, line by line."""
    trainings = [training_status(study, run, places) for run in study.runs]
    judged, report = evaluations(study, places), tables(study, places)
    others = [*([] if all(one.state == "done" for one in trainings) else data_jobs(study, places)), *judged]
    title = f"Study {study.name}: {study.params.studies[study.name].title}"
    text = [title, workflow(places.workflow_lock), "", f"  trainings    {counted(trainings)}"]
    text += [f"  evaluations  {counted(judged)}"] if judged else []
    text += [f"  tables       {'not made yet' if report.state == 'waiting' else report.name}"]
    text += time_left(study, trainings)
    text += other_settings(study, places)
    text += running([one for one in trainings if one.state == "running"], study)
    text += failed([(name_of(one.run), one.error) for one in trainings if one.state == "failed"], others, report)
    text += stopped([one for one in trainings if one.state == "stopped"], study)
    return [shortened(line) for line in text]


def workflow(lock: Path) -> str:
    """Whether Snakemake runs in this folder, which its lock shows."""
    if not is_held(lock):
        return "No workflow runs in this folder now."
    return f"A workflow runs in this folder: {lock.read_text(errors='replace') or 'another process'}."


def counted(jobs: Sequence[TrainingStatus | JobStatus]) -> str:
    """The number of jobs in each state, as in ``3 of 15 done, 2 running, 10 waiting``."""
    counts = Counter(one.state for one in jobs)
    return ", ".join([f"{counts['done']} of {len(jobs)} done", *(f"{counts[s]} {s}" for s in STATES if counts[s])])


def time_left(study: Study, trainings: Sequence[TrainingStatus]) -> list[str]:
    """Lines with the remaining time, once it can be estimated."""
    if all(one.state == "done" for one in trainings):
        return []
    try:
        remaining = left(study, trainings)
    except UserError as error:  # a dataset's number of clips is not known
        return [f"  time left    not known: {error}"]
    if not remaining.by:
        return ["  time left    known once an epoch is done"]
    return [f"  time left    {remaining_text(remaining)}", *remaining_notes(remaining)]


def remaining_text(remaining: Left) -> str:
    """The remaining time in words."""
    alone = f"at most {duration(remaining.device)} of one device"
    if remaining.at_once == 1:
        return alone
    return f"at most {duration(remaining.together)} with {remaining.at_once} trainings at once; {alone}"


def remaining_notes(remaining: Left) -> list[str]:
    """Lines with the basis of the estimate, and what it leaves out."""
    by = f"{remaining.by} training{'s' if remaining.by > 1 else ''}"
    text = [f"               from the speed of {by}, without early stopping; evaluations are not counted"]
    if remaining.unknown:
        text.append(f"               plus {remaining.unknown} trainings with a kind of stage that has not run yet")
    return text


def duration(seconds: float) -> str:
    """A time in hours, or in minutes below two hours."""
    return f"{seconds / 3600:,.1f} hours" if seconds >= 7200 else f"{-(-seconds // 60):.0f} min"


def other_settings(study: Study, places: Places) -> list[str]:
    """A line about running trainings of this study whose settings params.yaml no longer has."""
    own = {run.model(places.results).with_suffix(".lock") for run in study.runs}
    locks = (places.results / study.name / "models").glob("*/*/*.lock")
    if not (count := sum(lock not in own and is_held(lock) for lock in locks)):
        return []
    return ["", f"{count} more {'runs' if count == 1 else 'run'} with other settings than params.yaml has now."]


def running(trainings: Sequence[TrainingStatus], study: Study) -> list[str]:
    """Lines with the running trainings, a row each."""
    if not trainings:
        return []
    rows = [("running", "stage", "epoch", "clips/s", "accuracy", "device")]
    for one in trainings:
        stage, epoch = stage_and_epoch(one, study)
        speed = "" if one.clips_per_second is None else f"{one.clips_per_second:,.1f}"
        rows.append((name_of(one.run), stage, epoch, speed, percent(one.accuracy), one.device))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    right = (False, False, True, True, True, False)
    aligned = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in rows
    )
    return ["", *(line.rstrip() for line in aligned)]


def stage_and_epoch(one: TrainingStatus, study: Study) -> tuple[str, str]:
    """A training's stage, and its number of finished epochs out of all."""
    stages = study.settings_of(one.run).stages
    stage = stages[one.stage]
    number = f" ({one.stage + 1} of {len(stages)})" if len(stages) > 1 else ""
    return f"{stage.name}{number}", f"{one.epoch}/{stage.training.epochs}"


def percent(accuracy: float | None) -> str:
    """A fraction in percent; empty for a stage that does not classify."""
    return "" if accuracy is None else f"{100 * accuracy:.1f} %"


def failed(trainings: Sequence[tuple[str, str]], others: Sequence[JobStatus], report: JobStatus) -> list[str]:
    """Lines with the failed jobs and their last lines."""
    jobs = [*trainings, *((one.name, one.error) for one in [*others, report] if one.state == "failed")]
    text = ["", "failed: fix what the line says, then run the same command again"] if jobs else []
    for name, line in jobs:
        folded = textwrap.wrap(line, WIDTH - 4, break_on_hyphens=False)
        text += [f"  {name}", *(f"    {part}" for part in folded)]
    return text


def stopped(trainings: Sequence[TrainingStatus], study: Study) -> list[str]:
    """Lines with the stopped trainings, which resume from their checkpoints."""
    text = ["", "stopped: the same command resumes them"] if trainings else []
    for one in trainings:
        stage, epoch = stage_and_epoch(one, study)
        text.append(f"  {name_of(one.run)} at epoch {epoch} of stage {stage}")
    return text


def name_of(run: Run) -> str:
    """A short name for a run."""
    return f"{run.dataset} {run.recipe} {run.name}"


def shortened(line: str) -> str:
    """The line, cut to the page's width."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def visible_lines(text: Sequence[str], rows: int | None) -> Iterator[str]:
    """The lines that fit on a screen with ``rows`` rows; all of them for a pipe, where it is None."""
    if rows is None or len(text) < rows:
        return iter(text)
    return iter([*text[: rows - 2], f"... {len(text) - rows + 2} more lines: `soundclr status` shows all"])


def watch(draw: Callable[[], Sequence[str]], seconds: float = SECONDS) -> None:
    """Print the status again and again, on a terminal in the same place, until Ctrl-C."""
    screen = sys.stdout.isatty()
    try:
        while True:
            text = draw()
            clear, rows = ("\x1b[H\x1b[2J", shutil.get_terminal_size().lines) if screen else ("", None)
            print(f"{clear}{time.strftime('%H:%M:%S')}", *visible_lines(text, rows and rows - 1), sep="\n", flush=True)
            time.sleep(seconds)
    except KeyboardInterrupt:
        print()
