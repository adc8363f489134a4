"""Run folders as training would write them, with numbers drawn from a seed."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soundclr.evaluation.conditions import Noise
from soundclr.losses import classifies
from soundclr.machine.files import sha256_of_file, sha256_of_json, to_csv, write_json, write_text
from soundclr.params import Params, read_params
from soundclr.run.records import EvaluationRecord, Metrics
from soundclr.run.runs import Run, evaluation_key, started_from

ESC10_CLASSES = ["dog_bark", "rooster", "rain", "sea_waves", "crackling_fire"]
ESC10_CLASSES += ["baby_cry", "sneezing", "clock_tick", "helicopter", "chainsaw"]


def trial_params(repo: Path, **studies: dict[str, Any]) -> Params:
    """params.yaml with a study ``trial`` (ESC-10, three schemes, five seeds), and variants of it."""
    content = read_params(repo / "params.yaml")
    content["studies"]["trial"] = {
        "title": "a trial",
        "note": "made up",
        "datasets": ["esc10"],
        "recipes": ["cross_entropy", "supervised_contrastive", "hybrid"],
        "seeds": [0, 1, 2, 3, 4],
        "settings": {"start": {"weights": "imagenet_pqf"}, "training": {"epochs": 6, "patience": 6}},
    }
    for name, changes in studies.items():
        content["studies"][name] = content["studies"]["trial"] | changes
    return Params.model_validate(content)


def fabricate(
    params: Params,
    run: Run,
    results: Path,
    test_clips: int = 20,
    skill: float = 0.8,
    classes: Sequence[str] | None = None,
) -> Path:
    """Write a consistent run; about ``skill`` of its clips are right at the best epoch, fewer later."""
    rng = random.Random(f"{run}")
    folder = run.directory(results)
    number = params.datasets[run.dataset].classes
    if classes is None:
        classes = ESC10_CLASSES if number == 10 else [f"class_number_{i}" for i in range(number)]
    settings = params.resolve(run.study, run.dataset, run.recipe)

    taught = classifies(settings)
    right = {}
    lines: list[list[object]] = [["clip", "source", "label", "epoch", *classes]]
    for epoch, share in (("best", skill), ("last", skill - 0.1)) if taught else ():
        right[epoch] = 0
        for clip in range(test_clips):
            label = clip % number
            guess = label if rng.random() < share else rng.randrange(number)
            right[epoch] += guess == label
            probabilities = [rng.random() * 0.5 for _ in classes]
            probabilities[guess] = 1.0
            total = sum(probabilities)
            lines.append([f"1-{clip}-A", f"{clip}", label, epoch, *(f"{p / total:.6f}" for p in probabilities)])
    write_text(folder / "predictions.csv", to_csv(lines))

    probed = any(stage.training.probe_every for stage in settings.stages)
    header = "stage,epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy,"
    history = [f"{header}{'probe_accuracy,' if probed else ''}seconds,clips_per_second"]
    for stage in settings.stages:
        classifies_now = "classifier" in stage.trains
        for epoch in range(1, stage.training.epochs + 1):
            loss = 2.3 * 0.7**epoch + 0.1 * rng.random()
            accuracy = f"{skill * (1 - 0.5**epoch) + 0.05 * rng.random():.6f}" if classifies_now else ""
            probe = f"{skill * (1 - 0.6**epoch):.6f}" if stage.training.probes(epoch) else ""
            line = f"{stage.name},{epoch},0.001,{loss:.6f},{accuracy},{loss:.6f},{accuracy}"
            history.append(f"{line}{f',{probe}' if probed else ''},1.5,200.0")
    write_text(folder / "history.csv", "\n".join(history) + "\n")

    weights = settings.start.weights
    start = {"name": "none", "sha256": None}
    if weights != "none":
        sha256 = params.weights[weights].files[settings.encoder.name].sha256.ljust(64, "0")
        start = {"name": weights, "sha256": sha256}
    if other := started_from(params, run):
        start = {"name": f"{other.group}/{other.name}", "sha256": "e" * 64}
    metrics = {
        **run.coordinates,
        "accuracy": {f"{epoch}_epoch": right[epoch] / test_clips if taught else None for epoch in ("best", "last")},
        "best_epoch": 3,
        "epochs": settings.stages[-1].training.epochs,
        "stopped_early": False,
        "clips": {"train": 4 * test_clips, "test": test_clips},
        "classes": classes,
        "settings": settings.model_dump(mode="json"),
        "dataset_hash": "d" * 64,
        "start": start,
        "index_sha256": "1" * 64,
        "features_sha256": "f" * 64,
        "model_sha256": "e" * 64,
        "device": "a made-up device",
        "precision": settings.precision,
        "duration_seconds": 90.0,
        "clips_per_second": 200.0,
        "code": ["c" * 12],
        "git_commit": "0123456789" * 4,
        "git_dirty": False,
        "versions": {"python": "3.11", "torch": "2.11.0", "torchvision": "0.26.0", "soundclr": "0.1.0"},
        "created": "2026-01-02T03:04:05Z",
        "files": {name: sha256_of_file(folder / name) for name in ("history.csv", "predictions.csv")},
    }
    Metrics.model_validate(metrics).write(folder / "metrics.json")
    return folder


def fabricate_evaluation(params: Params, run: Run, results: Path, skill: float = 0.8) -> Path:
    """Write a consistent evaluation of a run that is there; the louder the noise, the fewer clips are right."""
    metrics = json.loads((run.directory(results) / "metrics.json").read_text())
    rng = random.Random(f"{run} evaluation")
    clips, settings, key = metrics["clips"]["test"], params.evaluation, evaluation_key(params)
    folder = run.evaluation(key, results)

    labels = [clip % len(metrics["classes"]) for clip in range(clips)]
    answers: dict[str, list[int]] = {}

    def noise_row(noise: str, sigma: float | None, ratio: float | None, loudness: float) -> dict[str, Any]:
        good = [rng.random() < skill * (1 - loudness) for _ in range(clips)]
        given = [(label + 1 - one) % len(metrics["classes"]) for label, one in zip(labels, good, strict=True)]
        answers[Noise(noise, sigma, ratio).column] = given
        right = sum(good)
        return {"noise": noise, "sigma": sigma, "snr_db": ratio, "right": right, "accuracy": right / clips}

    accuracy = [noise_row("white", sigma, None, min(1, 500 * sigma)) for sigma in settings.sigmas]
    span = max(settings.snr) - min(settings.snr)
    accuracy += [noise_row(n, None, r, (max(settings.snr) - r) / span) for n in settings.noises for r in settings.snr]
    lines: list[list[object]] = [["clip", "label", "class", "x", "y"]]
    for clip in range(clips):
        label = clip % len(metrics["classes"])
        place = [f"{label % 4 + rng.gauss(0, 0.3):.4f}", f"{label // 4 + rng.gauss(0, 0.3):.4f}"]
        lines.append([f"1-{clip}-A", label, metrics["classes"][label], *place])
    write_text(folder / "projection.csv", to_csv(lines))
    named = [[f"1-{clip}-A", label] for clip, label in enumerate(labels)]
    rows = [[*name, *given] for name, *given in zip(named, *answers.values(), strict=True)]
    write_text(folder / "answers.csv", to_csv([["clip", "label", *answers], *rows]))
    intra, inter = rng.uniform(0.1, 0.2), rng.uniform(0.7, 0.9)
    identity = {*run.coordinates, "device", "precision", "index_sha256", "features_sha256", "model_sha256"}
    identity |= {"git_commit", "git_dirty", "versions", "created"}
    content = {**{name: metrics[name] for name in metrics if name in identity}, "key": key}
    content |= {
        "settings": settings.model_dump(mode="json"),
        "code": metrics["code"][-1],
        "clips": clips,
        "accuracy": accuracy,
        "distances": {"intra": intra, "inter": inter, "ratio": intra / inter, "silhouette": rng.uniform(0.3, 0.6)},
        "files": {name: sha256_of_file(folder / name) for name in ("projection.csv", "answers.csv")},
    }
    EvaluationRecord.model_validate(content).write(folder / "evaluation.json")
    return folder


def edit(folder: Path, *, seal: bool = True, name: str = "metrics.json", **changes: Any) -> None:
    """Change a file's fields; ``seal`` makes its hashes agree again, as a careful forger would."""
    path = folder / name
    metrics = json.loads(path.read_text()) | changes
    checksum = metrics.pop("checksum")
    if seal:
        metrics["files"] = {table: sha256_of_file(folder / table) for table in metrics["files"]}
        checksum = sha256_of_json(metrics)
    write_json(path, metrics | {"checksum": checksum})
