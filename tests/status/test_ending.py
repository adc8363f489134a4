"""What a workflow says of a job that failed, as it happens."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from soundclr.planning.status.ending import EXPLAINED, OneLine, named, success
from soundclr.planning.status.jobs import JobStatus

RAISED = "RuleException:\nCalledProcessError in file \"x.smk\", line 2:\nCommand 'train 2> log' "


def record(event: str, text: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.ERROR, "", 0, text, None, None)
    made.__dict__ |= {"event": SimpleNamespace(name=event), **fields}
    return made


@pytest.mark.parametrize(
    ("log", "said", "attempt"),
    [
        ("epoch 1\nsoundclr: error: no such clip\n", "train failed: no such clip (LOG)", 3),
        ("usage: x\nsoundclr train: error: no such option\n\n", "train failed: no such option (LOG)", 3),
        ("soundclr: interrupted by SIGTERM; run the same command to resume", None, 1),
        ("soundclr: interrupted\nTraceback (most recent call last):\nKeyboardInterrupt: \n", None, 1),
        ("soundclr: error: once\nsoundclr: it goes on\nepoch 2, loss 1.0", "Error in rule train", 1),
        ("Traceback (most recent call last):\nValueError: x", "Error in rule train", 1),
        ("", "Error in rule train", 1),
    ],
)
def test_a_jobs_own_last_line_is_all_and_a_mistake_its_last_attempt(
    tmp_path: Path, log: str, said: str | None, attempt: int
) -> None:
    path = tmp_path / "job.log"
    path.write_text(log)
    job, other = (SimpleNamespace(attempt=1, restart_times=2) for _ in range(2))
    workflow = SimpleNamespace(
        scheduler=SimpleNamespace(running=[other, job]), dag=SimpleNamespace(jobid=lambda one: 7 if one is job else 8)
    )
    shown = record("JOB_ERROR", "Error in rule train", log=[str(path)], jobid=7, rule_name="train")
    assert OneLine(workflow).filter(shown)
    message = shown.getMessage()
    if said:
        assert message == said.replace("LOG", str(path))
    else:
        assert message.startswith("train ended: interrupted") and message.endswith(
            f"; run the same command to resume ({path})"
        )
    assert (job.attempt, other.attempt) == (attempt, 1)


@pytest.mark.parametrize(
    ("ending", "shown"),
    [
        ("returned non-zero exit status 2.", False),
        ("returned non-zero exit status 75.", False),
        ("returned non-zero exit status 1.", True),
        ("returned non-zero exit status 21.", True),
        ("died with <Signals.SIGKILL: 9>.", True),
    ],
)
def test_snakemakes_message_is_left_out_if_the_log_explains_the_failure(ending: str, shown: bool) -> None:
    assert OneLine(None).filter(record("ERROR", RAISED + ending)) is shown
    assert (EXPLAINED.fullmatch(RAISED + ending) is None) is shown


def test_of_many_failures_the_first_are_named() -> None:
    assert [line.split(":")[0] for line in named([JobStatus(str(n), "failed", "x") for n in range(7)], "s")] == [
        *["  failed"] * 5,
        "  and 2 more failed",
    ]


def test_success_names_the_page_and_gives_the_advice_of_own_sounds(tmp_path):
    assert list(success("own", tmp_path)) == []
    page = tmp_path / "own" / "README.md"
    page.parent.mkdir()
    page.touch()
    assert list(success("own", tmp_path)) == [f"Study own: the tables and figures are in {page}"]
    (page.parent / "tables").mkdir()
    (page.parent / "tables" / "advice.csv").write_text('dataset,kind,advice\nown,use,"Use it, a lot."\n')
    assert list(success("own", tmp_path))[1:] == ["  Use it, a lot."]
