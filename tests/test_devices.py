"""Which device a job gets: never one that another job holds, and free again however that job ended."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from soundclr.errors import UserError
from soundclr.machine import devices


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Put the locks of these tests into a folder of their own."""
    monkeypatch.setattr(devices, "LEASES", tmp_path / "leases")
    return tmp_path / "leases"


def pretend(patch, gpus):
    """Let PyTorch seem to see GPUs with these ids; ``patch(object, name, value)``."""
    patch(torch.cuda, "is_available", lambda: bool(gpus))
    patch(torch.cuda, "device_count", lambda: len(gpus))
    patch(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=gpus[index]))


@pytest.fixture
def two_gpus(monkeypatch):
    pretend(monkeypatch.setattr, ["GPU-a", "GPU-b"])


def test_without_a_gpu_it_is_the_cpu_for_everyone(monkeypatch, folder):
    pretend(monkeypatch.setattr, [])
    with devices.lease() as one, devices.lease() as other:
        assert one == other == torch.device("cpu")
    assert not folder.exists()


def test_a_second_lease_gets_the_other_gpu_and_a_returned_one_is_free(two_gpus):
    with devices.lease() as first, devices.lease() as second:
        assert {first, second} == {torch.device("cuda", 0), torch.device("cuda", 1)}
    with devices.lease() as again:
        assert again == first


def test_several_jobs_share_a_gpu_by_a_setting(two_gpus):
    """The second job gets the other GPU, the third and fourth share them."""
    with contextlib.ExitStack() as jobs:
        held = [jobs.enter_context(devices.lease(jobs_per_gpu=2)).index for _ in range(4)]
    assert held == [0, 1, 0, 1]


def test_a_job_may_take_a_whole_shared_gpu_and_no_more(two_gpus):
    with devices.lease(jobs_per_gpu=2), devices.lease(2, jobs_per_gpu=2) as device:
        assert device == torch.device("cuda", 1)
    said = r"one GPU, which has 2 slots here .*, but this one asks for 3"
    with pytest.raises(UserError, match=said), devices.lease(3, jobs_per_gpu=2):
        pass


def test_no_slot_is_the_cpu(two_gpus):
    with devices.lease(0) as device:
        assert device == torch.device("cpu")


def test_an_error_inside_returns_the_gpu(two_gpus):
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), devices.lease() as device:
            assert device == torch.device("cuda", 0)
            raise KeyboardInterrupt


def test_the_gpu_is_known_by_its_id_and_not_by_its_number(monkeypatch):
    """Two jobs with different CUDA_VISIBLE_DEVICES number the same GPU differently."""
    pretend(monkeypatch.setattr, ["GPU-a", "GPU-b"])
    with devices.lease() as first:
        assert first == torch.device("cuda", 0)
        pretend(monkeypatch.setattr, ["GPU-b", "GPU-a"])
        with devices.lease() as second:
            assert second == torch.device("cuda", 0)


@pytest.mark.slow
def test_jobs_agree_on_the_folder_in_any_environment(tmp_path):
    """A cluster job has other variables than a login shell on the same node."""
    places = set()
    for variables in ({}, {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}):
        ask = "from soundclr.machine.devices import LEASES; print(LEASES)"
        others = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "XDG_RUNTIME_DIR")}
        done = subprocess.run([sys.executable, "-c", ask], env=others | variables, capture_output=True, text=True)
        places.add(done.stdout.strip())
    assert places == {f"/tmp/soundclr-devices-{os.getuid()}"}


def test_waiting_prints_one_line_and_ends_when_a_gpu_is_free(two_gpus, capsys):
    got = []

    def wait():
        with devices.lease(poll_seconds=0.01) as device:
            got.append(device)

    with devices.lease():
        with devices.lease():
            thread = threading.Thread(target=wait, daemon=True)
            thread.start()
            time.sleep(0.2)
            assert got == []
        thread.join(timeout=30)
    assert got == [torch.device("cuda", 1)]
    assert capsys.readouterr().err == "all 2 GPUs are taken; waiting for 1\n"


def test_threads_never_share_a_gpu(two_gpus):
    holders, clashes, done = {}, [], []

    def work(number):
        for _ in range(5):
            with devices.lease(poll_seconds=0.001) as device:
                if holders.setdefault(device, number) != number:
                    clashes.append(device)
                time.sleep(0.002)
                del holders[device]
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(done) == list(range(6)) and clashes == []


def hold(place, connection):
    """In a process of its own: lease one of two GPUs, tell which, and keep it until told to end."""
    devices.LEASES = place
    patches = []

    def patch(target, name, value):
        patches.append(mock.patch.object(target, name, value))
        patches[-1].start()

    pretend(patch, ["GPU-a", "GPU-b"])
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    with devices.lease(poll_seconds=0.01) as device:
        connection.send(device.index)
        connection.recv()


def test_processes_never_share_a_gpu_and_a_killed_one_returns_it(folder):
    context = multiprocessing.get_context("fork")  # a fresh interpreter would spend seconds on importing torch
    jobs = []
    try:
        for _ in range(3):
            ours, theirs = context.Pipe()
            process = context.Process(target=hold, args=(folder, theirs), daemon=True)
            process.start()
            jobs.append((process, ours))
        waiting = [connection for _, connection in jobs]
        held = {}
        while len(held) < 2:
            for connection in multiprocessing.connection.wait(waiting, timeout=30):
                held[connection] = connection.recv()
                waiting.remove(connection)
        assert sorted(held.values()) == [0, 1]
        assert not waiting[0].poll(0.2)  # the third job has none

        victim, connection = next((process, pipe) for process, pipe in jobs if pipe in held)
        os.kill(victim.pid, signal.SIGKILL)
        assert waiting[0].poll(30)
        assert waiting[0].recv() == held[connection]
    finally:
        for process, _ in jobs:
            process.kill()
            process.join()


def test_the_cpu_has_a_name():
    assert devices.describe(torch.device("cpu")).endswith((", 1 thread", f", {torch.get_num_threads()} threads"))
    assert not devices.describe(torch.device("cpu")).startswith(",")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({}, torch.float32), ({"avx2": True}, torch.float32), ({"amx_bf16": True}, torch.bfloat16),
     ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16)],
)  # fmt: skip
def test_automatic_precision_on_a_cpu(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert devices.precision(torch.device("cpu"), "auto") == expected


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)]
)
def test_automatic_precision_on_a_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert devices.precision(torch.device("cuda", 0), "auto") == expected


@pytest.mark.parametrize("setting", ["float32", "bfloat16"])
def test_a_chosen_precision_is_kept(setting):
    assert devices.precision(torch.device("cpu"), setting) == getattr(torch, setting)


@pytest.mark.parametrize(("capabilities", "name"), [([(8, 0), (9, 0)], "bfloat16"), ([(8, 0), (7, 5)], "float32")])
def test_the_fast_precision_is_that_of_all_gpus(monkeypatch, capabilities, name):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capabilities[device.index])
    assert devices.fast_precision() == name


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_memory_that_was_freed_is_used_again_without_the_kernel():
    script = """
import resource, torch
from soundclr.machine import devices
devices.prepare(1)
def faults():
    torch.ones(25_000_000)  # 100 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
counts = [faults() for _ in range(10)]
print(min(after - before for before, after in zip(counts, counts[1:])))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # of 24,414 pages
