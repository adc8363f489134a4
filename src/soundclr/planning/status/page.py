"""The status as text, at most 100 columns wide, and its repeated display."""

import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.locks import is_held
from soundclr.planning.status import jobs
from soundclr.planning.status.jobs import JobStatus, Places, State, Study, TrainingStatus
from soundclr.planning.status.left import left

WIDTH = 100
SECONDS = 5.0  # between two displays
STATES: tuple[State, ...] = ("running", "starting", "failed", "stopped", "waiting")  # besides done, in the order shown


def lines(study: Study, places: Places) -> list[str]:
    """The status of a study, line by line."""
    trainings = [jobs.training_status(study, run, places) for run in study.runs]
    judged, report = jobs.evaluations(study, places), jobs.tables(study, places)
    unfinished = any(one.state != "done" for one in trainings)
    title = f"Study {study.name}: {study.params.studies[study.name].title}"
    text = [title, workflow(places.workflow_lock), "", f"  trainings    {counted(trainings)}"]
    text += [f"  evaluations  {counted(judged)}"] if judged else []
    text += [f"  tables       {'not made yet' if report.state == 'waiting' else report.name}"]
    text += time_left(study, trainings) if unfinished else []
    text += other_settings(study, places)
    text += running(study, [one for one in trainings if one.state == "running"])
    text += failed([*trainings, *(jobs.data_jobs(study, places) if unfinished else []), *judged, report])
    text += stopped(study, [one for one in trainings if one.state == "stopped"])
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..." for line in text]


def workflow(lock: Path) -> str:
    """Whether Snakemake runs in this folder, which its lock shows."""
    if not is_held(lock):
        return "No workflow runs in this folder now."
    return f"A workflow runs in this folder: {lock.read_text(errors='replace') or 'another process'}."


def counted(every: Sequence[TrainingStatus | JobStatus]) -> str:
    """The number of jobs in each state, as in ``3 of 15 done, 2 running, 10 waiting``."""
    counts = Counter(one.state for one in every)
    return ", ".join([f"{counts['done']} of {len(every)} done", *(f"{counts[s]} {s}" for s in STATES if counts[s])])


def time_left(study: Study, trainings: Sequence[TrainingStatus]) -> list[str]:
    """Lines with the remaining time, once it can be estimated, what it is estimated from, and what it leaves out."""
    try:
        remaining = left(study, trainings)
    except UserError as error:  # a dataset's number of clips is not known
        return [f"  time left    not known: {error}"]
    if not remaining.by:
        return ["  time left    known once an epoch is done"]
    most = f"at most {duration(remaining.device)} of one device"
    if remaining.at_once > 1:
        most = f"at most {duration(remaining.together)} with {remaining.at_once} trainings at once; {most}"
    by = f"{remaining.by} training{'s' if remaining.by > 1 else ''}"
    text = [f"  time left    {most}"]
    text.append(f"               from the speed of {by}, without early stopping; evaluations are not counted")
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


def running(study: Study, trainings: Sequence[TrainingStatus]) -> list[str]:
    """Lines with the running trainings, a row each."""
    if not trainings:
        return []
    rows = [("running", "stage", "epoch", "clips/s", "accuracy", "device")]
    for one in trainings:
        speed = "" if one.clips_per_second is None else f"{one.clips_per_second:,.1f}"
        accuracy = "" if one.accuracy is None else f"{100 * one.accuracy:.1f} %"  # None if the stage does not classify
        rows.append((one.name, *stage_and_epoch(one, study), speed, accuracy, one.device))
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


def failed(every: Sequence[TrainingStatus | JobStatus]) -> list[str]:
    """Lines with the failed jobs and their last lines."""
    text = []
    for one in every:
        if one.state == "failed":
            folded = textwrap.wrap(one.error, WIDTH - 4, break_on_hyphens=False)
            text += [f"  {one.name}", *(f"    {part}" for part in folded)]
    return ["", "failed: fix what the line says, then run the same command again", *text] if text else []


def stopped(study: Study, trainings: Sequence[TrainingStatus]) -> list[str]:
    """Lines with the stopped trainings, which resume from their checkpoints."""
    text = ["", "stopped: the same command resumes them"] if trainings else []
    for one in trainings:
        stage, epoch = stage_and_epoch(one, study)
        text.append(f"  {one.name} at epoch {epoch} of stage {stage}")
    return text


def visible_lines(text: Sequence[str], rows: int | None) -> Sequence[str]:
    """The lines that fit on a screen with ``rows`` rows; all of them for a pipe, where it is None."""
    if rows is None or len(text) < rows:
        return text
    return [*text[: rows - 2], f"... {len(text) - rows + 2} more lines: `soundclr status` shows all"]


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
