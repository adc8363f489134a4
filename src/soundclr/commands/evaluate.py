"""`soundclr evaluate`: evaluates a run's model after training."""

import argparse

from soundclr.commands.arguments import add_places, add_run, asked_run, refuse_other
from soundclr.run import runs
from soundclr.run.needed import check_trained, existing

HELP = "evaluate a run's model under noise, and map its representations"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run(parser)
    parser.add_argument("--key", help="refuse if params.yaml gives evaluations another key than this")
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Evaluate, and print the path of evaluation.json."""
    params, run = asked_run(options)
    refuse_other(options, "evaluations the key", runs.evaluation_key(params), options.key)
    features = existing(runs.features_path(params, run.dataset, options.data), f"soundclr features {run.dataset}")
    check_trained(run, options.results)

    from soundclr.evaluation.job import evaluate_job
    from soundclr.machine import devices  # with PyTorch, which takes seconds that a mistake above need not wait for

    devices.prepare(options.threads)
    with devices.lease(options.slots, options.jobs_per_gpu) as device:
        print(evaluate_job(run, params, features, options.results, device))
