"""Signals: the first asks, the second ends, and afterwards everything is as it was."""

import multiprocessing
import os
import signal
import sys
import threading
import time

import pytest

from soundclr.commands import cli, features
from soundclr.machine.files import atomic_path
from soundclr.training.signals import ENDS, SIGNALS, Ended, Interrupted, ending, listening, never


def handlers():
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_and_a_second_is_not_caught(number):
    before = handlers()
    with listening() as stop:
        assert stop() is None and not set(handlers()) & set(before)
        os.kill(os.getpid(), number)
        assert stop() == number
        assert handlers() == before
    assert handlers() == before


def test_handlers_are_restored_after_an_error():
    before = handlers()
    with pytest.raises(RuntimeError), listening():
        raise RuntimeError
    assert handlers() == before


def test_another_thread_catches_nothing():
    found = []

    def listen():
        with listening() as stop:
            found.append((stop, handlers()))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == [(never, handlers())]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)])
def test_exit_codes(number, code):
    assert Interrupted(number, 3).exit_code == code
    assert str(Interrupted(number, 3)) == f"interrupted by {number.name} in epoch 3; run the same command to resume"


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_ends_a_block_by_an_error_and_a_second_does_not_disturb(number):
    before = [signal.getsignal(n) for n in ENDS]
    cleared = []
    with pytest.raises(Ended) as ended, ending():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            cleared.append(True)
    assert cleared and ended.value.exit_code == 128 + number
    assert [signal.getsignal(n) for n in ENDS] == before


def test_what_a_signal_already_means_stays():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def write_features(folder):
    """In a process of its own: `soundclr features` that has begun to write, and is slow."""
    os.chdir(folder)
    sys.stderr = open("log", "w", buffering=1)  # noqa: SIM115 - for the life of the process

    def build(*_):
        with atomic_path(folder / "data" / "toy.safetensors") as temporary:
            temporary.write_text("half")
            time.sleep(60)

    features.run = build
    os._exit(cli.main(["features", "toy"]))


@pytest.mark.parametrize("number", ENDS)
def test_a_job_that_is_ended_leaves_nothing_unfinished(tmp_path, number):
    process = multiprocessing.get_context("fork").Process(target=write_features, args=(tmp_path,))
    process.start()
    until = time.monotonic() + 60
    while not list(tmp_path.glob("data/.*")) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == 128 + number
    assert list((tmp_path / "data").iterdir()) == []
    name = signal.Signals(number).name
    assert (tmp_path / "log").read_text() == f"soundclr: ended by {name}; run the same command again\n"
