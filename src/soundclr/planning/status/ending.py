"""What a workflow says of jobs that failed: a line as it happens, and at its end what is done, what failed and why."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from soundclr.planning.status.page import counted, name_of
from soundclr.planning.status.standing import (
    Places,
    Study,
    data_jobs,
    evaluations,
    is_interrupted,
    read_log,
    standing,
    tables,
)

SAID = re.compile(r"soundclr(?: \w+)?: (?P<mistake>error: )?(?P<said>.*)")  # the last line of a job that ended itself
# Snakemake's own text on such a job: 2 is a mistake, 75 and 130 an interruption, each with its line in the job's log.
EXPLAINED = re.compile(r"RuleException:\s.*returned non-zero exit status (2|75|130)\.\s*", re.DOTALL)
MOST = 5  # failures that are named at the end


class OneLine(logging.Filter):
    """On Snakemake's logger: a failure that its job's log explains becomes that line.

    A mistake is not tried again, as the same command would end in the same way.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self.workflow = workflow

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake says it; what it says of a job is changed where that says all."""
        event = getattr(getattr(record, "event", None), "name", "")
        if event == "ERROR":
            return EXPLAINED.fullmatch(str(record.msg)) is None
        logs = getattr(record, "log", None)
        if event == "JOB_ERROR" and logs and (line := last_line(Path(logs[0]))):
            if line["mistake"]:
                self.give_up(getattr(record, "jobid", None))
            ended = "failed" if line["mistake"] else "ended"
            record.msg = f"{getattr(record, 'rule_name', 'job')} {ended}: {line['said']} ({logs[0]})"
            record.args, record.event = (), None
        return True

    def give_up(self, jobid: int | None) -> None:
        """Let the job have had its last attempt."""
        for job in list(self.workflow.scheduler.running):
            if self.workflow.dag.jobid(job) == jobid:
                job.attempt = job.restart_times + 1


def last_line(log: Path) -> re.Match[str] | None:
    """What a job's log ends with, where that is a line of the job's own on why it ended."""
    lines = [line for line in read_log(log).splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return SAID.fullmatch("soundclr: interrupted; run the same command to resume" if is_interrupted(last) else last)


def lines(study: Study, places: Places) -> Iterator[str]:
    """What is done, what failed and why, and what to type next."""
    trainings = [standing(study, run, places) for run in study.runs]
    judged = evaluations(study, places)
    more = f"; evaluations: {counted(judged)}" if judged else ""
    yield f"Study {study.name}: trainings: {counted(trainings)}{more}"
    others = [*data_jobs(study, places), *judged, tables(study, places)]
    failures = [(name_of(one.run), one.said) for one in trainings if one.state == "failed"]
    failures += [(one.name, one.said) for one in others if one.state == "failed"]
    yield from named(failures, study.name)
    if failures:
        report = f"; `soundclr report --study {study.name}` makes the tables of what is done"
        done = any(one.state == "done" for one in trainings)
        yield f"Next: mend that, then run the same command, which keeps what is done{report if done else ''}"
    else:
        yield "Next: run the same command to resume"


def named(failures: Sequence[tuple[str, str]], study: str) -> Iterator[str]:
    """The first failures, a line each, and how many more there are."""
    for name, said in failures[:MOST]:
        yield f"  failed: {name}: {said}"
    if len(failures) > MOST:
        yield f"  and {len(failures) - MOST} more failed: `soundclr status --study {study}` names all"
