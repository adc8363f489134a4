"""Signals: the first asks, the second ends, and afterwards everything is as it was."""

import os
import signal
import threading

import pytest

from soundclr.training.signals import SIGNALS, Interrupted, listening, never


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
    assert str(Interrupted(number, 3)) == f"interrupted by {number.name} in epoch 3; the same command goes on"
