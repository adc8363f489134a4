"""What a trained run makes of any sound file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from soundclr.audio.decode import read_audio, to_int16, trim
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.trained import load_run

Likely = list[tuple[str, float]]


def classify(files: Sequence[Path], directory: Path) -> Iterator[tuple[Path, Likely]]:
    """Yield each file with its classes and their probabilities, the likeliest first.

    A sound longer than the run's clips is judged by its middle, a shorter one is padded, as held-out clips are.
    Raises UserError for a folder that is no run, a run without its model, or a file that is no sound.
    """
    settings, network, classes = load_run(directory)
    for path in files:
        samples = trim(to_int16(read_audio(path, settings.audio.sample_rate)))
        waveforms = Waveforms.from_arrays([samples], settings.audio.sample_rate)
        inputs = Inputs(waveforms, settings.audio, settings.augment, settings.logmel, settings.encoder.channels)
        with torch.inference_mode():
            _, logits = network(inputs.eval_batch(torch.tensor([0]), torch.Generator()))
        probabilities = logits[0].softmax(dim=0).tolist()
        yield path, sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])


def chart(classes: Likely) -> str:
    """One line a class: its name, its probability in percent and a bar of 40 characters at most."""
    width = max(len(name) for name, _ in classes)
    return "\n".join(f"  {name:<{width}} {100 * p:5.1f} % {'█' * round(40 * p)}" for name, p in classes)
