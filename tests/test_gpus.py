"""How many GPUs are seen without PyTorch."""

from pathlib import Path

import pytest

from soundclr.machine.gpus import visible_gpus


@pytest.mark.parametrize(
    ("variable", "count"),
    [(None, 4), ("", 0), ("2", 1), ("0, 3", 2), ("GPU-8f1a,GPU-77", 2), ("1,-1,2", 1), ("-1", 0), ("0,1,2,3,4,5", 4)],
)
def test_those_that_are_there_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, count: int
) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia2", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert visible_gpus(tmp_path) == count


def test_none_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the variable names."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert visible_gpus(tmp_path) == 0
