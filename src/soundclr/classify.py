"""What a trained run makes of any sound file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from pydantic import ValidationError

from soundclr.audio.decode import read_audio, to_int16, trim
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.files import read_json
from soundclr.models import Network, build_encoder
from soundclr.params import RunSettings
from soundclr.runs import Run

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


def load_run(directory: Path) -> tuple[RunSettings, Network, list[str]]:
    """The settings, the trained network in evaluation mode, and the class names of a run's folder."""
    directory = Path(directory).absolute()
    parents = directory.parents
    run = Run.from_directory(directory, parents[4]) if len(parents) > 4 else None
    if run is None or not (directory / "metrics.json").is_file():
        raise UserError(
            f"{directory}: not a finished run; name a folder like results/STUDY/runs/DATASET/RECIPE-HASH/fold1-seed0"
        )
    metrics = read_json(directory / "metrics.json")
    model = run.model(parents[4])
    if not model.is_file():
        raise UserError(f"{model}: the run's model is not here; train the run again or pull the model")
    try:
        settings, classes = RunSettings.model_validate(metrics["settings"]), list(metrics["classes"])
        network = Network(build_encoder(settings.encoder, None), settings.projection.size, len(classes))
        network.load_state_dict(torch.load(model, map_location="cpu", weights_only=True))
    except (KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{directory}/metrics.json: not of this version ({type(error).__name__})") from error
    except Exception as error:  # torch.load raises many kinds; all of them mean that the file is damaged
        raise UserError(f"{model}: cannot be read ({' '.join(str(error).split())[:100]}); train again") from error
    return settings, network.eval(), classes


def chart(classes: Likely) -> str:
    """One line a class: its name, its probability in percent and a bar of 40 characters at most."""
    width = max(len(name) for name, _ in classes)
    return "\n".join(f"  {name:<{width}} {100 * p:5.1f} % {'█' * round(40 * p)}" for name, p in classes)
