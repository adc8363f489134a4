"""What a trained run makes of any sound file, window by window."""

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from soundclr.audio.decode import read_with_losses, sounding, to_int16
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.losses import classifies
from soundclr.models.load import load_run

AT_ONCE = 16  # windows in one batch
CSV_HEADER = "file,begin,end,class,probability"


@dataclass(frozen=True)
class Part:
    """A part of a file, in seconds from its beginning, and its classes with their probabilities.

    The likeliest class comes first. Silence, where all samples are zero in 16 bits, has no classes.
    """

    begin: float
    end: float
    classes: dict[str, float]


class Classifier:
    """A trained run that is asked about sound files."""

    def __init__(self, directory: Path) -> None:
        """Load the run in ``directory``.

        Raises UserError for a folder that is no run, or a run without its model or whose classifier has learnt nothing.
        """
        self.directory = directory
        metrics, self.settings, self.network = load_run(directory)
        if not self.settings.audio.sample_rate:
            raise UserError(f"{directory}: has learnt from pictures; name a run that has learnt from sounds")
        if not classifies(self.settings):
            raise UserError(f"{directory}: no stage teaches the run's classifier; name a run that starts from this one")
        self.names = metrics.classes

    def classify(self, path: Path) -> tuple[Part, list[Part]]:
        """The file as a whole, and its windows, of which the whole has the mean probabilities.

        Windows are as long as the run's clips and overlap by half. A sound that is shorter is one window, padded
        as held-out clips are. Zeros at both ends are left out, as in training.
        Raises UserError for a file that is no sound.
        """
        rate, length = self.settings.audio.sample_rate, self.settings.audio.samples
        samples, lost = read_with_losses(path, rate)
        for loss in lost.values():
            print(f"soundclr: warning: {UserError(f'{path}: {loss}')}", file=sys.stderr)
        place = sounding(samples)
        trimmed = to_int16(samples[place])
        spans = windows(len(trimmed), length)
        rows = self._probabilities([trimmed[span] for span in spans])
        parts = [
            Part((place.start + span.start) / rate, (place.start + span.stop) / rate, self._ranked(row))
            for span, row in zip(spans, rows, strict=True)
        ]
        return Part(0.0, len(samples) / rate, self._ranked(rows.nanmean(dim=0))), parts

    def _probabilities(self, arrays: list[npt.NDArray[np.int16]]) -> torch.Tensor:
        """float32, (windows, classes): of each window, NaN where it is silent."""
        settings, generator = self.settings, torch.Generator()
        waveforms = Waveforms.from_arrays(arrays, settings.audio.sample_rate)
        inputs = Inputs(waveforms, settings)
        batches = torch.arange(len(arrays)).split(AT_ONCE)
        with torch.inference_mode():
            logits = torch.cat([self.network(inputs.eval_batch(batch, generator))[1] for batch in batches])
        if not logits.isfinite().all():
            raise UserError(f"{self.directory}: the run's model gives no numbers; train the run again")
        silent = torch.tensor([not array.any() for array in arrays])
        return logits.softmax(dim=1).masked_fill(silent[:, None], torch.nan)

    def _ranked(self, probabilities: torch.Tensor) -> dict[str, float]:
        """The classes from the likeliest on; none where the probabilities are NaN."""
        pairs = zip(self.names, probabilities.tolist(), strict=True)
        return {} if probabilities.isnan().any() else dict(sorted(pairs, key=lambda pair: -pair[1]))


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
