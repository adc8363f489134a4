"""Evaluates one run's model, as a Snakemake job or by hand, without training it."""

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
from soundclr.run.records import Distances, EvaluationRecord, Metrics, NoiseAccuracy
from soundclr.run.runs import Run, evaluation_key
from soundclr.training.evaluator import in_precision
from soundclr.training.job import check_features

Representations = np.ndarray[Any, np.dtype[np.float64]]  # (clips, features)


@dataclass(frozen=True)
class Trained:
    """A trained network on a device, with the precision, batches and crops of its training.

    ``classifies`` tells whether its classifier was trained.
    """

    network: Network
    inputs: Inputs
    stage: StageSettings
    device: torch.device
    classifies: bool = True

    @classmethod
    def on(cls, device: torch.device, network: Network, waveforms: Waveforms, settings: RunSettings) -> Self:
        """Move the clips and the ``network`` of a run with these ``settings`` to ``device``."""
        warn_if_slow(device, settings.stages[-1].training.precision)
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in its stubs
        return cls(network, Inputs(waveforms.to(device), settings), settings.stages[-1], device, classifies(settings))

    def forward(self, waveforms: Iterable[Tensor]) -> dict[str, Tensor]:
        """Compute h (batch, features), z (batch, size) and logits of a batch, given as parts (some, samples)."""
        with in_precision(self.device, self.stage):
            h = self.network.represent(self.inputs.images(waveforms))
        z, logits = self.network.heads(h)
        return {"h": h, "z": z, "logits": logits}


def evaluate_job(run: Run, params: Params, features: Path, results: Path, device: torch.device) -> Path:
    """Evaluate the model of ``run`` by params.yaml's ``evaluation``; returns the path of evaluation.json.

    It writes evaluation.json last, so if that file exists, all others do. Raises UserError if the run's folder, its
    model or the features are missing or do not fit, or if the model's accuracy differs from that after its last epoch.
    """
    metrics, settings, network = load_run(run.directory(results))
    waveforms = Waveforms.load(features)
    check_features(waveforms, params, run, features)
    check_trained_on(waveforms, metrics, features, run.directory(results))
    clips = (waveforms.folds == run.fold).nonzero()[:, 0]
    trained = Trained.on(device, network, waveforms, settings)
    answers, spaces = evaluate(trained, clips, params.evaluation, generator(run.seed, run.fold, "val"))
    if not all(np.isfinite(space).all() for space in spaces.values()):
        raise UserError(f"{run.model(results)}: gives values that are not finite; train the run again")
    labels = waveforms.labels[clips]
    right = {noise: int((given == labels).sum()) for noise, given in answers.items()}
    clean, trained_to = right.get(Noise("white", sigma=0.0)), metrics.accuracy.last_epoch
    if clean is not None and trained_to is not None:
        check_clean(run.model(results), clean, round(trained_to * len(clips)), len(clips))

    folder = run.evaluation(evaluation_key(params), results)
    (folder / "evaluation.json").unlink(missing_ok=True)  # it would belong to another projection.csv
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
            NoiseAccuracy(noise=n.colour, sigma=n.sigma, snr_db=n.snr_db, right=count, accuracy=count / len(clips))
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
    """A row for each of ``clips`` (indices): its name, its class, and its place on the map."""
    rows: list[list[Any]] = [["clip", "label", "class", "x", "y"]]
    for clip, (x, y) in zip(clips.tolist(), project(representations).tolist(), strict=True):
        label = int(waveforms.labels[clip])
        rows.append([waveforms.clips[clip], label, waveforms.classes[label], f"{x:.6g}", f"{y:.6g}"])
    return to_csv(rows)


def answers_csv(answers: dict[Noise, Tensor], waveforms: Waveforms, clips: Tensor) -> str:
    """A row for each of ``clips`` (indices): its name, its label, and the predicted label under each noise."""
    columns = [["clip", "label", *(noise.column for noise in answers)]]
    given = [values.tolist() for values in (clips, waveforms.labels[clips], *answers.values())]
    return to_csv([*columns, *([waveforms.clips[clip], *others] for clip, *others in zip(*given, strict=True))])


def check_trained_on(waveforms: Waveforms, metrics: Metrics, features: Path, folder: Path) -> None:
    """Raise UserError if the features have other clips or classes than those that the run was trained on."""
    if waveforms.index_sha256 != metrics.index_sha256:
        raise UserError(
            f"{features}: comes from the index {waveforms.index_sha256}, but {folder} was trained on the index "
            f"{metrics.index_sha256}; restore that index's clips, or train the run again"
        )
    if waveforms.classes != metrics.classes:
        raise UserError(f"{features}: its classes differ from those that {folder} was trained on")


def check_clean(model: Path, right: int, trained: int, clips: int) -> None:
    """Raise UserError if a model's accuracy without noise differs from that after its last epoch.

    Other devices round differently, so the counts may differ by one clip or by 1 % of the clips.
    """
    if abs(right - trained) > max(1, clips / 100):
        raise UserError(
            f"{model}: {right} of {clips} clips are right without noise, but {trained} were after its last epoch; "
            "remove the model and train the run again, or evaluate it on the machine that trained it"
        )


@torch.inference_mode()
def evaluate(
    trained: Trained, clips: Tensor, settings: EvaluationSettings, random: torch.Generator
) -> tuple[dict[Noise, Tensor], dict[str, Representations]]:
    """Predict the labels (n,) of ``clips`` (indices, (n,)) under each noise, and compute the outputs without noise.

    The outputs are the representations h, the projections z and the logits, (n, features) each. Each batch is loaded
    once and passed with each noise; without a trained classifier only without noise. ``random`` draws random crops.
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
