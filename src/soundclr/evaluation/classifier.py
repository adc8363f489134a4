"""What a trained run makes of any sound file, window by window."""

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
    """A part of a file, in seconds from its beginning, and its classes with their probabilities.

    The likeliest class comes first. Silence, where all samples are zero in 16 bits, has no classes.
    """

    begin: float
    end: float
    classes: dict[str, float]


class SoundFiles:
    """A trained run's network, and any sound file cut into windows as long as the run's clips."""

    def __init__(self, directory: Path) -> None:
        """Load the run in ``directory``; UserError for a folder that is no run, or a run without its model."""
        self.directory = directory
        self.metrics, self.settings, self.network = load_run(directory)
        if not self.settings.audio.sample_rate:
            raise UserError(f"{directory}: has learnt from pictures; name a run that has learnt from sounds")

    def cut(self, path: Path) -> tuple[float, list[tuple[float, float]], list[npt.NDArray[np.int16]]]:
        """The seconds of a file, and of each window its begin and end in seconds and its samples.

        Windows overlap by half. A sound that is shorter is one window, padded as held-out clips are. Zeros at both
        ends are left out, as in training. UserError for a file that is no sound.
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
        """What the network is shown of the windows, :data:`AT_ONCE` at a time."""
        inputs = Inputs(Waveforms.from_arrays(arrays, self.settings.audio.sample_rate), self.settings)
        for batch in torch.arange(len(arrays)).split(AT_ONCE):
            yield inputs.eval_batch(batch, torch.Generator())

    def finite(self, values: torch.Tensor) -> torch.Tensor:
        """The network's output; UserError where it is not numbers."""
        if not values.isfinite().all():
            raise UserError(f"{self.directory}: the run's model gives no numbers; train the run again")
        return values


class Classifier(SoundFiles):
    """A trained run that tells the classes of sound files."""

    def __init__(self, directory: Path) -> None:
        """As for any run; UserError for a run whose classifier has learnt nothing, too."""
        super().__init__(directory)
        if not classifies(self.settings):
            raise UserError(f"{directory}: no stage teaches the run's classifier; name a run that starts from this one")
        self.names = self.metrics.classes
        self.temperature, self.threshold = 1.0, 0.0

    def name_from(self, threshold: float) -> Calibration:
        """Name a class from this calibrated probability on; below it a sound is :data:`UNKNOWN`."""
        found = calibrate(self.directory, self.names)
        self.temperature, self.threshold = found.temperature, threshold
        return found

    def classify(self, path: Path) -> tuple[Part, list[Part]]:
        """The file as a whole, and its windows, of which the whole has the mean probabilities."""
        seconds, times, arrays = self.cut(path)
        rows = self._probabilities(arrays)
        parts = [Part(*time, self._ranked(row)) for time, row in zip(times, rows, strict=True)]
        return Part(0.0, seconds, self._ranked(rows.nanmean(dim=0))), parts

    def _probabilities(self, arrays: list[npt.NDArray[np.int16]]) -> torch.Tensor:
        """float32, (windows, classes): of each window, NaN where it is silent."""
        with torch.inference_mode():
            logits = self.finite(torch.cat([self.network(batch)[1] for batch in self.batches(arrays)]))
        silent = torch.tensor([not array.any() for array in arrays])
        return (logits / self.temperature).softmax(dim=1).masked_fill(silent[:, None], torch.nan)

    def _ranked(self, probabilities: torch.Tensor) -> dict[str, float]:
        """The classes from the likeliest on, unknown before them below the threshold; none where they are NaN."""
        pairs = zip(self.names, probabilities.tolist(), strict=True)
        if probabilities.isnan().any():
            return {}
        ranked = dict(sorted(pairs, key=lambda pair: -pair[1]))
        likeliest = next(iter(ranked.values()))
        return ranked if likeliest >= self.threshold else {UNKNOWN: 1 - likeliest, **ranked}


class Embedder(SoundFiles):
    """A trained run that gives sound files' representations: h, and z where a projection was trained."""

    @property
    def projects(self) -> bool:
        """Whether the projection has learnt: a loss reads it, or the classifier does, which has learnt through it."""
        by_loss = any("projection" in Loss.of(stage).reads for stage in self.settings.stages)
        return by_loss or (classifies(self.settings) and self.settings.classifier.input == "projection")

    @property
    def columns(self) -> list[str]:
        """file, begin and end in seconds, then h0, h1, ... and z0, z1, ..."""
        size = self.network.encoder.size
        z = self.network.projection(torch.zeros(1, size)).shape[1] if self.projects else 0
        return ["file", "begin", "end", *(f"h{i}" for i in range(size)), *(f"z{i}" for i in range(z))]

    def embed(self, path: Path) -> list[list[float]]:
        """A row a window: begin, end, h, and z, the L2-normalised projection, where it has learnt."""
        _, times, arrays = self.cut(path)
        rows: list[list[float]] = []
        with torch.inference_mode():
            for batch in self.batches(arrays):
                h = self.network.represent(batch)
                z = [torch.nn.functional.normalize(self.network.heads(h)[0], dim=1)] if self.projects else []
                rows += self.finite(torch.cat([h, *z], dim=1)).tolist()
        return [[*time, *row] for time, row in zip(times, rows, strict=True)]


def windows(total: int, length: int) -> list[slice]:
    """Where to look in ``total`` samples: ``length`` at a time, half overlapping, the last ones ending at the end."""
    last = max(0, total - length)
    return [slice(begin, min(begin + length, total)) for begin in (*range(0, last, max(1, length // 2)), last)]


def chart(path: Path, part: Part, top: int | None) -> str:
    """A line with the file and the seconds; then a line a class: its name, its probability in percent and a bar."""
    classes = list(part.classes.items())[:top]
    width = max((len(name) for name, _ in classes), default=0)
    bars = [f"  {name:<{width}} {100 * p:5.1f} % {'█' * round(40 * p)}" for name, p in classes]
    return "\n".join([f"{path}, {part.begin:.2f} to {part.end:.2f} s", *(bars or ["  silence"])])


def json_line(path: Path, part: Part, top: int | None) -> str:
    """One JSON object: file, begin and end in seconds, and the classes with their probabilities, none in silence."""
    classes = dict(list(part.classes.items())[:top])
    return json.dumps({"file": str(path), "begin": part.begin, "end": part.end, "classes": classes})


def csv_lines(path: Path, part: Part, top: int | None) -> str:
    """A line a class, of the columns :data:`CSV_HEADER`; in silence one line with neither class nor probability."""
    text = io.StringIO()
    pairs = [(name, f"{p:.6f}") for name, p in part.classes.items()][:top] or [("", "")]
    place = (path, f"{part.begin:.3f}", f"{part.end:.3f}")
    csv.writer(text, lineterminator="\n").writerows((*place, *pair) for pair in pairs)
    return text.getvalue().removesuffix("\n")
