"""Exports a trained run: as ONNX, from the waveform on, or as a state dict."""

import json
import lzma
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.losses import classifies
from soundclr.machine.files import atomic_path, write_json
from soundclr.models.load import load_run, read_run
from soundclr.models.misfit import in_short
from soundclr.models.network import Network
from soundclr.params import Params, RunSettings
from soundclr.run.records import Metrics


class FromWaveform(nn.Module):
    """(batch, samples) in [-1, 1] at the run's rate -> probabilities (batch, classes), if it classifies, and h."""

    def __init__(self, settings: RunSettings, network: Network) -> None:
        super().__init__()
        self.network, self.classifies = network, classifies(settings)
        representation = representation_of(settings)
        self.channels = representation.channels
        self.represent = representation.prepare(settings.audio.sample_rate, torch.device("cpu"))

    def forward(self, waveform: Tensor) -> tuple[Tensor, ...]:
        """Compute the probabilities, if it classifies, and h."""
        images = self.represent(waveform)
        images = images.expand(-1, self.channels, *[-1] * (images.dim() - 2))
        h = self.network.represent(images)
        return (self.network.heads(h)[1].softmax(dim=1), h) if self.classifies else (h,)


def export_onnx(directory: Path, output: Path, params: Params) -> dict[str, Any]:
    """Write a run's model as ONNX; returns its metadata. UserError without onnxscript or if ONNX cannot express it."""
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter asks for it when it is too late for a clear message)
    except ImportError as error:
        raise UserError(f"ONNX needs {error.name}: `pip install onnx onnxscript`") from error
    metrics, settings, network = load_run(directory)
    model = FromWaveform(settings, network).eval()
    names = ["probabilities", "h"] if model.classifies else ["h"]
    example = torch.zeros(2, settings.audio.samples).uniform_(-0.5, 0.5)
    batch = {"waveform": {0: torch.export.Dim("batch")}}
    try:
        with torch.no_grad():
            program = torch.onnx.export(
                model, (example,), dynamo=True, dynamic_shapes=batch, input_names=["waveform"], output_names=names,
                verbose=False,
            )  # fmt: skip
    except Exception as error:  # the exporter raises many kinds
        kind = settings.representation.name
        raise UserError(f"{directory}: cannot be ONNX with the representation {kind} ({in_short(error)})") from error
    about = describe(metrics, settings, params)
    assert program is not None
    proto = program.model_proto
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in about.items()}
    onnx.helper.set_model_props(proto, texts)
    with atomic_path(output) as partial:
        onnx.save(proto, partial)
    return about


def export_state_dict(directory: Path, output: Path, params: Params) -> dict[str, Any]:
    """Write a run's weights in float32, and a JSON file that describes them; returns the description."""
    metrics, settings, network = load_run(directory)
    about = describe(metrics, settings, params)
    with atomic_path(output) as partial:
        torch.save(network.state_dict(), partial)
    write_json(output.with_suffix(".json"), about)
    return about


def export_packed(directory: Path, output: Path, params: Params) -> dict[str, Any]:
    """Write a run's model compressed, so that git can keep it beside the run's metrics.json; what it is."""
    metrics, settings, _ = load_run(directory)
    run, results, _ = read_run(directory)
    with atomic_path(output) as partial:
        partial.write_bytes(lzma.compress(run.model(results).read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    return describe(metrics, settings, params)


def describe(metrics: Metrics, settings: RunSettings, params: Params) -> dict[str, Any]:
    """Describe an exported file to somebody who has nothing else: input, classes, origin, and licences."""
    weights = params.weights.get(settings.start.weights)
    dataset = params.datasets.get(metrics.dataset)
    return {
        "input": f"waveform in [-1, 1], {settings.audio.samples} samples at {settings.audio.sample_rate} Hz, mono",
        "sample_rate": settings.audio.sample_rate,
        "samples": settings.audio.samples,
        "classes": list(metrics.classes) if classifies(settings) else [],
        "run": f"{metrics.study}: {metrics.recipe} ({metrics.recipe_hash}), fold {metrics.fold}, seed {metrics.seed}",
        "held_out_accuracy": metrics.accuracy.last_epoch,
        "commit": metrics.git_commit,
        "dataset": dataset.title if dataset else metrics.dataset,
        "dataset_licence": (dataset.licence if dataset else None) or "unknown",
        "initial_weights": settings.start.run or settings.start.weights,
        "initial_weights_licence": (weights.licence if weights else None) or "none",
        "settings": settings.model_dump(mode="json"),
    }


EXPORTS = {
    "onnx": (".onnx", export_onnx),
    "state_dict": (".pth", export_state_dict),
    "packed": (".pt.xz", export_packed),
}
