"""Loads a trained run from its folder."""

import hashlib
import io
import lzma
from pathlib import Path

import torch

from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.models.misfit import in_short
from soundclr.models.network import Network
from soundclr.params import RunSettings, validated
from soundclr.run.records import Metrics
from soundclr.run.runs import Run

PACKED = "model.pt.xz"
"""The file name of a compressed model beside its run's metrics.json."""

MOST_UNPACKED = 1_000_000_000


def load_run(directory: Path) -> tuple[Metrics, RunSettings, Network]:
    """Load a run's metrics, settings, and trained network in evaluation mode on the CPU.

    Raises UserError if the folder is not a finished run, or its model is missing or damaged.
    """
    run, results, metrics = read_run(directory)
    model, packed = run.model(results), directory / PACKED
    again = f"pull the model or train the run again: `{run.train_command} --force`"
    content: Path | io.BytesIO = model
    if not model.is_file() and packed.is_file():
        model, content = packed, unpack(packed)
    elif not model.is_file():
        raise UserError(f"{model}: the run's model is missing; {again}")
    if (has := sha256_of(content)) != metrics.model_sha256:
        raise UserError(
            f"{model}: is damaged or belongs to another run (its SHA-256 is {has}, metrics.json has "
            f"{metrics.model_sha256}); remove it, then {again}"
        )
    settings = validated(RunSettings, metrics.settings, str(directory / "metrics.json"), "settings")
    try:
        network = Network.from_settings(settings, representation_of(settings).channels, len(metrics.classes))
        network.load_state_dict(torch.load(content, map_location="cpu", weights_only=True))
    except Exception as error:  # torch.load raises many kinds; the hash is right, so another version wrote the file
        raise UserError(
            f"{model}: is not a model of this version ({in_short(error)}); remove it, then {again}"
        ) from error
    return metrics, settings, network.eval()


def unpack(packed: Path) -> io.BytesIO:
    """Decompress a model; UserError if it is damaged or too large."""
    try:
        with lzma.open(packed) as file:
            content = file.read(MOST_UNPACKED + 1)
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise UserError(f"{packed}: cannot be unpacked ({error}); restore it from git") from error
    if len(content) > MOST_UNPACKED:
        raise UserError(f"{packed}: unpacks to more than {MOST_UNPACKED / 1e9:g} GB; restore it from git")
    return io.BytesIO(content)


def sha256_of(content: Path | io.BytesIO) -> str:
    """Return the SHA-256 of a file or of an unpacked model."""
    return sha256_of_file(content) if isinstance(content, Path) else hashlib.sha256(content.getbuffer()).hexdigest()


def start_from_run(network: Network, run: Run, results: Path) -> Metrics:
    """Load the encoder of the trained ``run`` into ``network``; returns that run's metrics.

    Raises UserError if the run is not trained or damaged, or has another encoder.
    """
    directory = run.directory(results)
    if not (directory / "metrics.json").is_file():
        raise UserError(f"{directory}: this run starts from it, but it is missing; make it with `{run.train_command}`")
    metrics, _, trained = load_run(directory)
    try:
        network.encoder.load_state_dict(trained.encoder.state_dict())
    except RuntimeError as error:
        raise UserError(f"{directory}: its encoder differs from this run's ({in_short(error)})") from error
    return metrics


def read_run(directory: Path) -> tuple[Run, Path, Metrics]:
    """The run that a folder belongs to, the results folder around it, and its metrics.json.

    Raises UserError if the folder is not a finished run, or its metrics.json is damaged or from another version.
    """
    directory = Path(directory).absolute()
    parents = directory.parents
    run = Run.from_directory(directory, parents[4]) if len(parents) > 4 else None
    if run is None or not (directory / "metrics.json").is_file():
        raise UserError(
            f"{directory}: not a finished run; name a folder like results/STUDY/runs/DATASET/RECIPE-HASH/fold1-seed0"
        )
    return run, parents[4], Metrics.read(directory / "metrics.json", run)
