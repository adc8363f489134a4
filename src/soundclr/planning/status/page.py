"""The status as text, at most a terminal's 100 columns wide, and its redrawing."""

import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.locks import is_held
from soundclr.planning.status.left import Left, left
from soundclr.planning.status.standing import (
    Other,
    Places,
    Standing,
    State,
    Study,
    data_jobs,
    evaluations,
    standing,
    tables,
)
from soundclr.run.runs import Run

WIDTH = 100
SECONDS = 5.0  # from one drawing to the next
STATES: tuple[State, ...] = ("running", "starting", "failed", "stopped", "waiting")  # besides done, as they are shown


def lines(study: Study, places: Places) -> list[str]:
    """The status of a study, line by line."""
    trainings = [standing(study, run, places) for run in study.runs]
    judged, report = evaluations(study, places), tables(study, places)
    others = [*([] if all(one.state == "done" for one in trainings) else data_jobs(study, places)), *judged]
    title = f"Study {study.name}: {study.params.studies[study.name].title}"
    text = [title, workflow(places.workflow_lock), "", f"  trainings    {counted(trainings)}"]
    text += [f"  evaluations  {counted(judged)}"] if judged else []
    text += [f"  tables       {'not made yet' if report.state == 'waiting' else report.name}"]
    text += time_left(study, trainings)
    text += other_settings(study, places)
    text += running([one for one in trainings if one.state == "running"], study)
    text += failed([(name_of(one.run), one.said) for one in trainings if one.state == "failed"], others, report)
    text += stopped([one for one in trainings if one.state == "stopped"], study)
    return [cut(line) for line in text]


def workflow(lock: Path) -> str:
    """Whether Snakemake runs here, by the lock that it holds."""
    if not is_held(lock):
        return "No workflow runs in this folder now."
    return f"A workflow runs in this folder: {lock.read_text(errors='replace') or 'another process'}."


def counted(jobs: Sequence[Standing | Other]) -> str:
    """How many jobs are done, and how many stand elsewhere, as in ``3 of 15 done, 2 running, 10 waiting``."""
    counts = Counter(one.state for one in jobs)
    return ", ".join([f"{counts['done']} of {len(jobs)} done", *(f"{counts[s]} {s}" for s in STATES if counts[s])])


def time_left(study: Study, trainings: Sequence[Standing]) -> list[str]:
    """The hours that are left, once there is a training to go by."""
    if all(one.state == "done" for one in trainings):
        return []
    try:
        remaining = left(study, trainings)
    except UserError as error:  # nobody knows how many clips a dataset has
        return [f"  time left    not known: {error}"]
    if not remaining.by:
        return ["  time left    known once an epoch is done; `soundclr plan --measure` measures it first"]
    return [f"  time left    {said(remaining)}", *more(remaining)]


def said(remaining: Left) -> str:
    """Hours in words."""
    alone = f"at most {duration(remaining.device)} of one device"
    if remaining.at_once == 1:
        return alone
    return f"at most {duration(remaining.together)} with {remaining.at_once} trainings at once; {alone}"


def more(remaining: Left) -> list[str]:
    """What the hours are from, and what they leave out."""
    by = f"{remaining.by} training{'s' if remaining.by > 1 else ''}"
    text = [f"               by the speed of {by}, patience apart; evaluations are not counted"]
    if remaining.unknown:
        text.append(f"               and {remaining.unknown} trainings with a stage like none that has run yet")
    return text


def duration(seconds: float) -> str:
    """A time in hours, or in minutes below two hours."""
    return f"{seconds / 3600:,.1f} hours" if seconds >= 7200 else f"{-(-seconds // 60):.0f} min"


def other_settings(study: Study, places: Places) -> list[str]:
    """Trainings of this study that run with settings that params.yaml no longer has."""
    own = {run.model(places.results).with_suffix(".lock") for run in study.runs}
    locks = (places.results / study.name / "models").glob("*/*/*.lock")
    if not (count := sum(lock not in own and is_held(lock) for lock in locks)):
        return []
    return ["", f"{count} more {'runs' if count == 1 else 'run'} with other settings than params.yaml has now."]


def running(trainings: Sequence[Standing], study: Study) -> list[str]:
    """The trainings that run, a row each."""
    if not trainings:
        return []
    rows = [("running", "stage", "epoch", "clips/s", "accuracy", "device")]
    for one in trainings:
        stage, epoch = at(one, study)
        speed = "" if one.clips_per_second is None else f"{one.clips_per_second:,.1f}"
        rows.append((name_of(one.run), stage, epoch, speed, percent(one.accuracy), one.device))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    right = (False, False, True, True, True, False)
    aligned = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in rows
    )
    return ["", *(line.rstrip() for line in aligned)]


def at(one: Standing, study: Study) -> tuple[str, str]:
    """A training's stage, and which epoch of how many is done."""
    stages = study.settings_of(one.run).stages
    stage = stages[one.stage]
    number = f" ({one.stage + 1} of {len(stages)})" if len(stages) > 1 else ""
    return f"{stage.name}{number}", f"{one.epoch}/{stage.training.epochs}"


def percent(accuracy: float | None) -> str:
    """A fraction in percent; nothing for a stage that does not classify."""
    return "" if accuracy is None else f"{100 * accuracy:.1f} %"


def failed(trainings: Sequence[tuple[str, str]], others: Sequence[Other], report: Other) -> list[str]:
    """What failed, each with its last line."""
    jobs = [*trainings, *((one.name, one.said) for one in [*others, report] if one.state == "failed")]
    text = ["", "failed: mend what the line says, then run the same command again"] if jobs else []
    for name, line in jobs:
        folded = textwrap.wrap(line, WIDTH - 4, break_on_hyphens=False)
        text += [f"  {name}", *(f"    {part}" for part in folded)]
    return text


def stopped(trainings: Sequence[Standing], study: Study) -> list[str]:
    """The trainings that were ended, and go on from their checkpoints."""
    text = ["", "stopped: goes on with the next command"] if trainings else []
    for one in trainings:
        stage, epoch = at(one, study)
        text.append(f"  {name_of(one.run)} at epoch {epoch} of stage {stage}")
    return text


def name_of(run: Run) -> str:
    """A run, in few letters."""
    return f"{run.dataset} {run.recipe} {run.name}"


def cut(line: str) -> str:
    """A line that fits."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def drawn(text: Sequence[str], rows: int | None) -> Iterator[str]:
    """The lines that a screen of so many ``rows`` has room for; all of them for a pipe."""
    if rows is None or len(text) < rows:
        return iter(text)
    return iter([*text[: rows - 2], f"... {len(text) - rows + 2} more lines: `soundclr status` shows all"])


def watch(draw: Callable[[], Sequence[str]], seconds: float = SECONDS) -> None:
    """Draw again and again, on a terminal in one place, until Ctrl-C."""
    screen = sys.stdout.isatty()
    try:
        while True:
            text = draw()
            clear, rows = ("\x1b[H\x1b[2J", shutil.get_terminal_size().lines) if screen else ("", None)
            print(f"{clear}{time.strftime('%H:%M:%S')}", *drawn(text, rows and rows - 1), sep="\n", flush=True)
            time.sleep(seconds)
    except KeyboardInterrupt:
        print()
