"""The workflow's messages about failed jobs: one line at once, and at the end what is done, what failed, what to do."""

import csv
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from soundclr.planning.status import jobs
from soundclr.planning.status.jobs import INTERRUPTED, JobStatus, Places, Study, TrainingStatus
from soundclr.planning.status.page import counted

LAST_LINE = re.compile(r"soundclr(?: \w+)?: (?P<mistake>error: )?(?P<message>.*)")  # of a job that ended by itself
# Snakemake's message for such a job: 2 is a mistake, 75 and 130 an interruption, each with its line in the job's log.
EXPLAINED = re.compile(r"RuleException:\s.*returned non-zero exit status (2|75|130)\.\s*", re.DOTALL)
MOST = 5  # failures named at the end


class OneLine(logging.Filter):
    """A filter for Snakemake's logger: shows the last line of a failed job's log instead of Snakemake's message.

    After a mistake the job is not tried again, because the same command would fail again.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self.workflow = workflow

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake prints the message, which is replaced if the job's log explains the failure."""
        event = getattr(getattr(record, "event", None), "name", "")
        if event == "ERROR":
            return EXPLAINED.fullmatch(str(record.msg)) is None
        logs = getattr(record, "log", None)
        if event == "JOB_ERROR" and logs and (line := last_line(Path(logs[0]))):
            if line["mistake"]:
                self.give_up(getattr(record, "jobid", None))
            ended = "failed" if line["mistake"] else "ended"
            record.msg = f"{getattr(record, 'rule_name', 'job')} {ended}: {line['message']} ({logs[0]})"
            record.args, record.event = (), None
        return True

    def give_up(self, jobid: int | None) -> None:
        """Count the job's current attempt as its last."""
        for job in list(self.workflow.scheduler.running):
            if self.workflow.dag.jobid(job) == jobid:
                job.attempt = job.restart_times + 1


def last_line(log: Path) -> re.Match[str] | None:
    """The last line of a job's log, if it is the job's own message about its end."""
    lines = [line for line in jobs.read_log(log).splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if last.startswith(INTERRUPTED):
        last = "soundclr: interrupted; run the same command to resume"
    return LAST_LINE.fullmatch(last)


def lines(study: Study, places: Places) -> Iterator[str]:
    """Lines with what is done, what failed and why, and what to type next."""
    trainings = [jobs.training_status(study, run, places) for run in study.runs]
    judged = jobs.evaluations(study, places)
    more = f"; evaluations: {counted(judged)}" if judged else ""
    yield f"Study {study.name}: trainings: {counted(trainings)}{more}"
    others = [*jobs.data_jobs(study, places), *judged, jobs.tables(study, places)]
    every: list[TrainingStatus | JobStatus] = [*trainings, *others]
    failures = [one for one in every if one.state == "failed"]
    yield from named(failures, study.name)
    if failures:
        report = f"; `soundclr report --study {study.name}` makes the tables of what is done"
        done = any(one.state == "done" for one in trainings)
        yield f"Next: fix that, then run the same command, which keeps what is done{report if done else ''}"
    else:
        yield "Next: run the same command to resume"


def success(study: str, results: Path = Path("results")) -> Iterator[str]:
    """Lines after a workflow that failed nowhere: where the study's page is and, of own sounds, what it advises."""
    page, advice = results / study / "README.md", results / study / "tables" / "advice.csv"
    if page.is_file():
        yield f"Study {study}: the tables and figures are in {page}"
    if advice.is_file():
        with advice.open(newline="", encoding="utf-8") as file:
            yield from (f"  {row['advice']}" for row in csv.DictReader(file))


def named(failures: Sequence[TrainingStatus | JobStatus], study: str) -> Iterator[str]:
    """A line for each of the first failures, and the number of the others."""
    for one in failures[:MOST]:
        yield f"  failed: {one.name}: {one.error}"
    if len(failures) > MOST:
        yield f"  and {len(failures) - MOST} more failed: `soundclr status --study {study}` names all"
