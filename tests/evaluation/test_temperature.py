"""Temperature scaling: it finds the temperature that probabilities were sharpened by."""

from pathlib import Path

import numpy as np
import pytest

from soundclr.errors import UserError
from soundclr.evaluation.temperature import calibrate, calibration_error, scale

CLASSES = ("a", "b", "c")


def write(folder: Path, sharpened: float, clips: int = 4000) -> None:
    """Labels drawn by probabilities, which are then written as if they were surer."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(clips, 3))
    true = scale(logits, 1.0)
    labels = [random.choice(3, p=row) for row in true]
    written = scale(logits, 1 / sharpened)
    lines = ["clip,label,epoch,a,b,c"]
    for epoch in ("best", "last"):
        rows = written if epoch == "last" else np.full_like(written, 1 / 3)
        lines += [
            f"{i},{label},{epoch},{','.join(map(repr, map(float, row)))}"
            for i, (label, row) in enumerate(zip(labels, rows, strict=True))
        ]
    (folder / "predictions.csv").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_it_undoes_what_sharpened_the_probabilities(tmp_path: Path, sharpened: float) -> None:
    write(tmp_path, sharpened)
    found = calibrate(tmp_path, CLASSES)
    assert found.temperature == pytest.approx(sharpened, rel=0.1)
    assert found.error_after < 3
    if sharpened != 1.0:
        assert found.error_after < found.error_before / 3


def test_the_shares_of_a_threshold(tmp_path: Path) -> None:
    write(tmp_path, 1.0)
    found = calibrate(tmp_path, CLASSES)
    assert found.shares(0.0)[0] == 1
    named, right = found.shares(0.8)
    assert named == pytest.approx((found.probabilities >= 0.8).mean())
    assert right > found.shares(0.0)[1]
    assert np.isnan(found.shares(1.01)[1])


def test_the_calibration_error_by_hand() -> None:
    """Two clips at 0.95, one right: 0.45; two at 0.55, both right: 0.45."""
    assert calibration_error(np.array([0.95, 0.95, 0.55, 0.55]), np.array([True, False, True, True])) == pytest.approx(
        0.45
    )


def test_a_run_without_predictions_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"predictions.csv: missing, so a threshold cannot be calibrated"):
        calibrate(tmp_path, CLASSES)
