"""`soundclr train`: trains one run."""

import argparse
from pathlib import Path

from soundclr.commands.arguments import add_places, add_run, asked_run
from soundclr.errors import UserError, remedied
from soundclr.machine.files import sha256_of_file
from soundclr.run import own_sounds, runs
from soundclr.run.needed import check_trained, existing, weights_file
from soundclr.training.signals import listening

HELP = "train one run, or resume an interrupted one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run(parser)
    parser.add_argument("--force", action="store_true", help="train a finished run again, in its place")
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Train, and print the accuracies and the path of metrics.json. A finished run is not trained again."""
    params, run = asked_run(options)
    own_sounds.check_clips(params, run.dataset, options.data)
    if not options.force:
        own_sounds.check_runs(params, [run], options.results, options.data)
        if is_finished(run, options.results):
            return
    features = existing(runs.features_path(params, run.dataset, options.data), f"soundclr features {run.dataset}")
    own_sounds.check_features(params, run.dataset, features, options.data)
    weights = weights_file(params, run, options.data)
    if (other := runs.started_from(params, run)) is not None:
        check_trained(other, options.results)

    from soundclr.machine import devices  # with PyTorch, which takes seconds that a mistake above need not wait for
    from soundclr.run.records import Metrics
    from soundclr.training.job import Paths, run_job

    paths = Paths(features, weights, options.results)
    devices.prepare(options.threads)
    with devices.lease(options.slots, options.jobs_per_gpu) as device, listening() as stop:
        path = run_job(run, params, paths, device, stop)
    print(f"{Metrics.read(path, run).summary}: {path}")


def is_finished(run: runs.Run, results: Path) -> bool:
    """Whether a run is finished, which is printed; UserError if it is damaged or its model is missing."""
    path, model = run.directory(results) / "metrics.json", run.model(results)
    if not path.exists():
        return False

    from soundclr.run.records import Metrics

    again = "train it again with --force"
    with remedied(again):
        metrics = Metrics.read(path, run)
    if not model.exists():
        raise UserError(f"{path}: the run is finished, but its model is missing ({model}): pull it, or {again}")
    has = sha256_of_file(model)
    if metrics.model_sha256 != has:
        raise UserError(f"{model}: is not the model that the finished run's {path} names; pull it, or {again}")
    print(f"{path}: the run is finished; {again}")
    return True
