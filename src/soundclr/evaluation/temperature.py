"""Temperature scaling (Guo et al. 2017): calibrates probabilities on a run's held-out clips."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from soundclr.errors import UserError

Array = NDArray[np.float64]

BINS = 10
SMALLEST = 1e-12


@dataclass(frozen=True)
class Calibration:
    """A temperature, and the expected calibration error on ``clips`` held-out clips before and after it, in percent.

    ``probabilities`` (clips,) are the highest ones after scaling; ``right`` (clips,) tells whether they are correct.
    """

    temperature: float
    clips: int
    error_before: float
    error_after: float
    probabilities: Array
    right: NDArray[np.bool_]

    def shares(self, threshold: float) -> tuple[float, float]:
        """The share of clips at or above ``threshold``, and the share of these that are correct; NaN if none is."""
        named = self.probabilities >= threshold
        return float(named.mean()), float(self.right[named].mean()) if named.any() else float("nan")

    def sentence(self, threshold: float) -> str:
        """A sentence about the calibration and the effect of ``threshold``."""
        named, right = self.shares(threshold)
        correct = f", {right:.0%} of these correctly" if named else ""
        effect = f"{named:.0%} of them are named at {threshold:g}{correct}"
        return (
            f"probabilities are calibrated on the run's {self.clips} held-out clips (temperature "
            f"{self.temperature:.2f}: calibration error {self.error_before:.1f} % before, {self.error_after:.1f} % "
            f"after); {effect}"
        )


def calibrate(directory: Path, classes: tuple[str, ...]) -> Calibration:
    """Calibrate a run on its predictions.csv after the last epoch; UserError if that file is missing."""
    path = directory / "predictions.csv"
    if not path.is_file():
        raise UserError(f"{path}: missing, so a threshold cannot be calibrated; restore it from git or train again")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["epoch"] == "last"]
    labels = np.array([int(row["label"]) for row in rows])
    probabilities = np.array([[float(row[name]) for name in classes] for row in rows])
    logits = np.log(np.clip(probabilities, SMALLEST, None))

    def cost(log_temperature: float) -> float:
        scaled = scale(logits, float(np.exp(log_temperature)))
        return float(-np.log(np.clip(scaled[np.arange(len(labels)), labels], SMALLEST, None)).mean())

    # If a run is right about every clip, ever lower temperatures fit better; e^-1 is the limit.
    temperature = float(np.exp(minimize_scalar(cost, bounds=(-1, 3), method="bounded").x))
    after = scale(logits, temperature)
    right = after.argmax(axis=1) == labels
    errors = [100 * calibration_error(one.max(axis=1), right) for one in (probabilities, after)]
    return Calibration(temperature, len(rows), errors[0], errors[1], after.max(axis=1), right)


def scale(logits: Array, temperature: float) -> Array:
    """The softmax of ``logits`` divided by ``temperature``: (clips, classes)."""
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def calibration_error(confidence: Array, right: NDArray[np.bool_]) -> float:
    """The expected calibration error: |confidence - accuracy|, weighted over ten equal bins of confidence."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == one].mean() - right[bins == one].mean()) * (bins == one).mean() for one in set(bins)]
    return float(sum(gaps))
