"""Classifies or embeds any sound file with a trained run, window by window."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from soundclr.audio.decode import read_with_losses, sounding, to_int16
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.evaluation.temperature import Calibration, calibrate
from soundclr.losses import Loss, classifies
from soundclr.models.load import load_run

AT_ONCE = 16  # windows in one batch
UNKNOWN = "unknown"
CSV_HEADER = "file,begin,end,class,probability"


@dataclass(frozen=True)
class Part:
    """A part of a file, in seconds from its beginning, and the probabilities of its classes.

    The most probable class comes first. Silence (all samples are zero in 16 bits) has no classes.
    """

    begin: float
    end: float
    classes: dict[str, float]


class SoundFiles:
    """Loads a trained run, and cuts sound files into windows as long as the run's clips."""

    def __init__(self, directory: Path) -> None:
        """Load the run in ``directory``; UserError if it is not a run, or the run has no model."""
        self.directory = directory
        self.metrics, self.settings, self.network = load_run(directory)
        if not self.settings.audio.sample_rate:
            raise UserError(f"{directory}: was trained on pictures; name a run that was trained on sounds")

    def cut(self, path: Path) -> tuple[float, list[tuple[float, float]], list[npt.NDArray[np.int16]]]:
        """Cut a file into windows; returns its length in seconds, each window's begin and end, and its samples.

        Windows overlap by half. A shorter sound is one window, padded as held-out clips are. Zeros at both ends are
        left out, as in training. UserError if the file is not a sound file.
        """
        rate, length = self.settings.audio.sample_rate, self.settings.audio.samples
        samples, lost = read_with_losses(path, rate)
        for loss in lost.values():
            print(f"soundclr: warning: {UserError(f'{path}: {loss}')}", file=sys.stderr)
        place = sounding(samples)
        trimmed = to_int16(samples[place])
        spans = windows(len(trimmed), length)
        times = [((place.start + span.start) / rate, (place.start + span.stop) / rate) for span in spans]
        return len(samples) / rate, times, [trimmed[span] for span in spans]

    def batches(self, arrays: list[npt.NDArray[np.int16]]) -> Iterator[torch.Tensor]:
        """The network's inputs for the windows, :data:`AT_ONCE` at a time."""
        inputs = Inputs(Waveforms.from_arrays(arrays, self.settings.audio.sample_rate), self.settings)
        for batch in torch.arange(len(arrays)).split(AT_ONCE):
            yield inputs.eval_batch(batch, torch.Generator())

    def finite(self, values: torch.Tensor) -> torch.Tensor:
        """Return the network's output; UserError if it is not finite."""
        if not values.isfinite().all():
            raise UserError(f"{self.directory}: the run's model gives values that are not finite; train the run again")
        return values


class Classifier(SoundFiles):
    """Classifies sound files with a trained run."""

    def __init__(self, directory: Path) -> None:
        """Load the run; UserError also if its classifier was not trained."""
        super().__init__(directory)
        if not classifies(self.settings):
            raise UserError(f"{directory}: no stage teaches the run's classifier; name a run that starts from this one")
        self.names = self.metrics.classes
        self.temperature, self.threshold = 1.0, 0.0

    def name_from(self, threshold: float) -> Calibration:
        """Set the threshold: below this calibrated probability a sound is :data:`UNKNOWN`."""
        found = calibrate(self.directory, self.names)
        self.temperature, self.threshold = found.temperature, threshold
        return found

    def classify(self, path: Path) -> tuple[Part, list[Part]]:
        """Classify a file: the whole, which has the mean probabilities of its windows, and each window."""
        seconds, times, arrays = self.cut(path)
        rows = self._probabilities(arrays)
        parts = [Part(*time, self._ranked(row)) for time, row in zip(times, rows, strict=True)]
        return Part(0.0, seconds, self._ranked(rows.nanmean(dim=0))), parts

    def _probabilities(self, arrays: list[npt.NDArray[np.int16]]) -> torch.Tensor:
        """float32, (windows, classes); NaN for silent windows."""
        with torch.inference_mode():
            logits = self.finite(torch.cat([self.network(batch)[1] for batch in self.batches(arrays)]))
        silent = torch.tensor([not array.any() for array in arrays])
        return (logits / self.temperature).softmax(dim=1).masked_fill(silent[:, None], torch.nan)

    def _ranked(self, probabilities: torch.Tensor) -> dict[str, float]:
        """The classes by probability, with unknown first if it is below the threshold; none if they are NaN."""
        pairs = zip(self.names, probabilities.tolist(), strict=True)
        if probabilities.isnan().any():
            return {}
        ranked = dict(sorted(pairs, key=lambda pair: -pair[1]))
        likeliest = next(iter(ranked.values()))
        return ranked if likeliest >= self.threshold else {UNKNOWN: 1 - likeliest, **ranked}


class Embedder(SoundFiles):
    """Embeds sound files with a trained run: h, and z if its projection was trained."""

    @property
    def projects(self) -> bool:
        """Whether the projection was trained, by a loss of its own or through the classifier."""
        by_loss = any("projection" in Loss.from_stage(stage).reads for stage in self.settings.stages)
        return by_loss or (classifies(self.settings) and self.settings.classifier.input == "projection")

    @property
    def columns(self) -> list[str]:
        """file, begin and end in seconds, then h0, h1, ... and z0, z1, ..."""
        size = self.network.encoder.size
        z = self.network.projection(torch.zeros(1, size)).shape[1] if self.projects else 0
        return ["file", "begin", "end", *(f"h{i}" for i in range(size)), *(f"z{i}" for i in range(z))]

    def embed(self, path: Path) -> list[list[float]]:
        """One row per window: begin, end, h, and z, the L2-normalised projection, if it was trained."""
        _, times, arrays = self.cut(path)
        rows: list[list[float]] = []
        with torch.inference_mode():
            for batch in self.batches(arrays):
                h = self.network.represent(batch)
                z = [torch.nn.functional.normalize(self.network.heads(h)[0], dim=1)] if self.projects else []
                rows += self.finite(torch.cat([h, *z], dim=1)).tolist()
        return [[*time, *row] for time, row in zip(times, rows, strict=True)]


def windows(total: int, length: int) -> list[slice]:
    """Windows of ``length`` in ``total`` samples, which overlap by half; the last one ends at the end."""
    last = max(0, total - length)
    return [slice(begin, min(begin + length, total)) for begin in (*range(0, last, max(1, length // 2)), last)]


def chart(path: Path, part: Part, top: int | None) -> str:
    """A line with the file and the seconds, then one per class: name, probability in percent, and a bar."""
    classes = list(part.classes.items())[:top]
    width = max((len(name) for name, _ in classes), default=0)
    bars = [f"  {name:<{width}} {100 * p:5.1f} % {'█' * round(40 * p)}" for name, p in classes]
    return "\n".join([f"{path}, {part.begin:.2f} to {part.end:.2f} s", *(bars or ["  silence"])])


def json_line(path: Path, part: Part, top: int | None) -> str:
    """A JSON object: file, begin and end in seconds, and the classes' probabilities (none for silence)."""
    classes = dict(list(part.classes.items())[:top])
    return json.dumps({"file": str(path), "begin": part.begin, "end": part.end, "classes": classes})


def csv_lines(path: Path, part: Part, top: int | None) -> str:
    """A line per class with the columns :data:`CSV_HEADER`; for silence one line without class and probability."""
    text = io.StringIO()
    pairs = [(name, f"{p:.6f}") for name, p in part.classes.items()][:top] or [("", "")]
    place = (path, f"{part.begin:.3f}", f"{part.end:.3f}")
    csv.writer(text, lineterminator="\n").writerows((*place, *pair) for pair in pairs)
    return text.getvalue().removesuffix("\n")
