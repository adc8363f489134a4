"""The evaluation of one run's model, as a Snakemake job or by hand: nothing is trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.evaluation.conditions import Noise, conditions
from soundclr.evaluation.noise import add, draw
from soundclr.evaluation.space import distances, project
from soundclr.losses import classifies
from soundclr.machine.devices import describe, warn_if_slow
from soundclr.machine.files import sha256_of_file, to_csv, write_text
from soundclr.machine.provenance import code_version, made_with
from soundclr.machine.randomness import generator
from soundclr.models.load import load_run
from soundclr.models.network import Network
from soundclr.params import EvaluationSettings, Params, RunSettings, StageSettings
from soundclr.run.records import Distances, EvaluationRecord, Heard, Metrics
from soundclr.run.runs import Run, evaluation_key
from soundclr.training.job import check_features
from soundclr.training.listener import in_precision

Representations = np.ndarray[Any, np.dtype[np.float64]]  # (clips, features)


@dataclass(frozen=True)
class Trained:
    """A trained network on a device, that hears clips as it did in training: the same precision, batches and crops.

    ``classifies``: its classifier has learnt something.
    """

    network: Network
    inputs: Inputs
    stage: StageSettings
    device: torch.device
    classifies: bool = True

    @classmethod
    def on(cls, device: torch.device, network: Network, waveforms: Waveforms, settings: RunSettings) -> Self:
        """The ``network`` of a run with these ``settings``, and the clips, on ``device``."""
        warn_if_slow(device, settings.stages[-1].training.precision)
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in its stubs
        return cls(network, Inputs(waveforms.to(device), settings), settings.stages[-1], device, classifies(settings))

    def forward(self, waveforms: Iterable[Tensor]) -> dict[str, Tensor]:
        """A batch, some clips (some, samples) at a time -> h (batch, features), z (batch, size), logits."""
        with in_precision(self.device, self.stage):
            h = self.network.represent(self.inputs.images(waveforms))
        z, logits = self.network.heads(h)
        return {"h": h, "z": z, "logits": logits}


def evaluate_job(run: Run, params: Params, features: Path, results: Path, device: torch.device) -> Path:
    """Ask the model of ``run`` all that params.yaml's ``evaluation`` asks; returns the path of evaluation.json.

    Writes projection.csv and then evaluation.json below ``results``: where the latter is, all is. Raises UserError
    where the run's folder, its model or the features are missing or do not fit, or where the model does not have the
    accuracy that it had after its last epoch.
    """
    metrics, settings, network = load_run(run.directory(results))
    waveforms = Waveforms.load(features)
    check_features(waveforms, params, run, features)
    check_trained_on(waveforms, metrics, features, run.directory(results))
    clips = (waveforms.folds == run.fold).nonzero()[:, 0]
    trained = Trained.on(device, network, waveforms, settings)
    answers, spaces = listen(trained, clips, params.evaluation, generator(run.seed, run.fold, "val"))
    if not all(np.isfinite(space).all() for space in spaces.values()):
        raise UserError(f"{run.model(results)}: gives values that are not finite; train the run again")
    labels = waveforms.labels[clips]
    right = {noise: int((given == labels).sum()) for noise, given in answers.items()}
    clean, trained_to = right.get(Noise("white", sigma=0.0)), metrics.accuracy.last_epoch
    if clean is not None and trained_to is not None:
        check_clean(run.model(results), clean, round(trained_to * len(clips)), len(clips))

    folder = run.evaluation(evaluation_key(params), results)
    (folder / "evaluation.json").unlink(missing_ok=True)  # it would speak of another projection.csv
    write_text(folder / "projection.csv", projection_csv(spaces["h"], waveforms, clips))
    write_text(folder / "answers.csv", answers_csv(answers, waveforms, clips))
    apart = {name: Distances(**distances(space, labels.numpy())) for name, space in spaces.items()}
    EvaluationRecord(
        **run.coordinates,
        key=evaluation_key(params),
        settings=params.evaluation.model_dump(mode="json"),
        model_sha256=metrics.model_sha256,
        index_sha256=waveforms.index_sha256,
        features_sha256=waveforms.sha256,
        clips=len(clips),
        accuracy=tuple(
            Heard(noise=n.colour, sigma=n.sigma, snr_db=n.snr_db, right=count, accuracy=count / len(clips))
            for n, count in right.items()
        ),
        distances=apart["h"],
        projection_distances=apart["z"],
        logit_distances=apart["logits"] if trained.classifies else None,
        device=describe(device),
        precision=settings.stages[-1].training.precision,
        code=code_version(),
        files={name: sha256_of_file(folder / name) for name in ("projection.csv", "answers.csv")},
        **made_with("numpy", "scikit-learn"),
    ).write(folder / "evaluation.json")
    return folder / "evaluation.json"


def projection_csv(representations: Representations, waveforms: Waveforms, clips: Tensor) -> str:
    """A row for each of ``clips`` (indices): its name, its class, and where the map has it."""
    rows: list[list[Any]] = [["clip", "label", "class", "x", "y"]]
    for clip, (x, y) in zip(clips.tolist(), project(representations).tolist(), strict=True):
        label = int(waveforms.labels[clip])
        rows.append([waveforms.clips[clip], label, waveforms.classes[label], f"{x:.6g}", f"{y:.6g}"])
    return to_csv(rows)


def answers_csv(answers: dict[Noise, Tensor], waveforms: Waveforms, clips: Tensor) -> str:
    """A row for each of ``clips`` (indices): its name, its class, and the class that the model gives under each noise.

    Classes are numbers from 0, as in ``label``.
    """
    columns = [["clip", "label", *(noise.column for noise in answers)]]
    given = [values.tolist() for values in (clips, waveforms.labels[clips], *answers.values())]
    return to_csv([*columns, *([waveforms.clips[clip], *others] for clip, *others in zip(*given, strict=True))])


def check_trained_on(waveforms: Waveforms, metrics: Metrics, features: Path, folder: Path) -> None:
    """Raise UserError for features of other clips or classes than the run in ``folder`` was trained on."""
    if waveforms.index_sha256 != metrics.index_sha256:
        raise UserError(
            f"{features}: is made of the index {waveforms.index_sha256}, but {folder} was trained on the index "
            f"{metrics.index_sha256}; bring that index's clips back, or train the run again"
        )
    if waveforms.classes != metrics.classes:
        raise UserError(f"{features}: its classes are not those that {folder} was trained on")


def check_clean(model: Path, right: int, trained: int, clips: int) -> None:
    """Without noise a model must be right as often as after its last epoch, but for how another device rounds.

    Raises UserError where more than a clip, and more than 1 % of the clips, lie between the two counts.
    """
    if abs(right - trained) > max(1, clips / 100):
        raise UserError(
            f"{model}: {right} of {clips} clips are right without noise, but {trained} were after its last epoch; "
            "remove the model and train the run again, or evaluate it on the machine that trained it"
        )


@torch.inference_mode()
def listen(
    trained: Trained, clips: Tensor, settings: EvaluationSettings, random: torch.Generator
) -> tuple[dict[Noise, Tensor], dict[str, Representations]]:
    """The classes (n,) that the model gives ``clips`` (indices, (n,)) under each noise, and its outputs without noise.

    These are the representations h, the projections z and the logits, (n, features) each. A batch is gathered
    once, and passed with each noise in turn, or with none where no answer means anything. ``random`` draws the crops
    where they are random, as in training.
    """
    inputs, device = trained.inputs, trained.device
    answers: dict[Noise, list[Tensor]] = {noise: [] for noise in (conditions(settings) if trained.classifies else ())}
    clean: list[dict[str, Tensor]] = []
    for indices in clips.split(trained.stage.training.batch_size):
        parts = list(inputs.eval_waveforms(indices, random))
        names = [[inputs.waveforms.clips[clip] for clip in part.tolist()] for part in indices.split(len(parts[0][0]))]
        clean.append(trained.forward(waves for waves, _ in parts))
        for colour in dict.fromkeys(noise.colour for noise in answers):
            drawn = [draw(settings.seed, clip_names, colour, inputs.samples, device) for clip_names in names]
            for noise in answers:
                if noise.colour == colour:
                    noisy = (add(*part, raw, noise) for part, raw in zip(parts, drawn, strict=True))
                    outputs = clean[-1] if noise.sigma == 0 else trained.forward(noisy)
                    answers[noise].append(outputs["logits"].argmax(dim=1))
    spaces = {name: torch.cat([part[name] for part in clean]).cpu().double().numpy() for name in clean[0]}
    return {noise: torch.cat(given).cpu() for noise, given in answers.items()}, spaces
