"""The command line: `soundclr VERB`, which the workflow's rules call and a person can call."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from soundclr import __version__, own_sounds, runs
from soundclr.arguments import add_classified, add_places, add_run, positive, readable
from soundclr.errors import UserError, remedied
from soundclr.files import reason, sha256_of_file
from soundclr.method import load_checked
from soundclr.needed import check_trained, existing, one_run, weights_file
from soundclr.params import Params, known
from soundclr.training.signals import Ended, Interrupted, ending, leave_alone, listening

Add = Callable[..., argparse.ArgumentParser]  # (name, function, help) -> the parser of a verb


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 when it did its work, 2 with one line on standard error when the user can mend something.

    75 and 130 are of a training that a signal interrupted: the same command goes on. Of other jobs 128 and the
    signal's number: they have removed what was unfinished.
    """
    options = parser().parse_args(readable(sys.argv[1:] if arguments is None else arguments))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal cannot show
    try:
        with ending():
            return options.verb(options) or 0
    except UserError as error:
        print(f"soundclr: error: {error}", file=sys.stderr)
        return 2
    except (Ended, Interrupted) as stop:
        leave_alone(arguments is None)
        print(f"soundclr: {stop}", file=sys.stderr)
        return stop.exit_code
    except BrokenPipeError:  # the reader of a pipe has gone, as `soundclr ... | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder without permission
        where = f"{error.filename}: " if error.filename else ""
        print(f"soundclr: error: {UserError(where + reason(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        leave_alone(arguments is None)
        print("soundclr: interrupted; the same command goes on", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(prog="soundclr", description="SoundCLR (Nasiri and Hu 2021), reproduced.")
    top.add_argument("--version", action="version", version=f"soundclr {__version__}")
    top.add_argument(
        "--params",
        type=Path,
        default=os.environ.get("SOUNDCLR_PARAMS") or "params.yaml",
        help="default: $SOUNDCLR_PARAMS, which the workflow sets to its own copy, or params.yaml",
    )
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def add(name: str, verb: Callable[[argparse.Namespace], int | None], help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help)
        added.set_defaults(verb=verb)
        return added

    add_data_verbs(add)
    add_run_verbs(add)
    add_study_verbs(add)
    return top


def add_data_verbs(add: Add) -> None:
    """What brings and prepares data."""
    fetch = add("fetch", fetch_dataset, "fetch a dataset, verify and index it")
    fetch.add_argument("dataset")
    add_places(fetch)

    weights = add("weights", fetch_weights, "fetch an encoder's initial weights and verify them")
    weights.add_argument("weights")
    weights.add_argument("encoder")
    add_places(weights)

    features = add("features", build_features, "decode a dataset once into one memory-mapped file")
    features.add_argument("dataset")
    features.add_argument("--threads", type=positive, default=os.cpu_count())
    add_places(features)


def add_run_verbs(add: Add) -> None:
    """What trains a run, and what uses its model."""
    train = add("train", train_run, "train one run, going on where an interrupted one stopped")
    add_run(train)
    train.add_argument("--force", action="store_true", help="train a finished run again, in its place")
    add_places(train)

    evaluate = add("evaluate", evaluate_run, "a run's model on noisy held-out clips, and where it places them")
    add_run(evaluate)
    evaluate.add_argument("--key", help="refuse if params.yaml gives evaluations another key than this")
    add_places(evaluate)

    classify = add("classify", classify_files, "the likely classes of sound files, by a trained run")
    add_classified(classify)

    show = add("show", show_clip, "draw what the network is shown of a clip, with each augmentation")
    show.add_argument("--study", help="default: params.yaml's")
    show.add_argument("--dataset", help="default: the study's first")
    show.add_argument("--recipe", help="default: the study's first")
    show.add_argument("--clip", help="its name in data/DATASET/index.csv; default: the first")
    show.add_argument("--output", type=Path, default=Path("shown.png"), help="PNG or PDF; default: %(default)s")
    add_places(show)


def add_study_verbs(add: Add) -> None:
    """What is of a whole study."""
    plan = add("plan", plan_study, "a study's jobs, hours and disk, before anyone spends them")
    plan.add_argument("--study", help="default: params.yaml's")
    plan.add_argument("--devices", type=positive, nargs="+", default=[1, 4, 64], help="default: 1 4 64")
    plan.add_argument(
        "--measure", action="store_true", help="measure clips/s of the study's stages on this device first"
    )
    plan.add_argument("--write", type=Path, metavar="FILE", help="write down what it comes to, for DVC")
    plan.add_argument("--results", type=Path, default=Path("results"))

    status = add("status", study_status, "where a study stands: done, running, failed, stopped, and the hours left")
    status.add_argument("--study", help="default: params.yaml's")
    status.add_argument("--watch", action="store_true", help="draw it again every few seconds, until Ctrl-C")
    status.add_argument("--results", type=Path, default=Path("results"))
    status.add_argument("--data", type=Path, default=Path("data"), help="where data are kept; default: %(default)s")

    add("schema", print_schema, "params.yaml's form as a JSON schema, for editors (params.schema.json)")

    report = add("report", report_study, "write a study's tables and figures from the runs there are")
    report.add_argument("--study", help="default: params.yaml's")
    report.add_argument("--results", type=Path, default=Path("results"))
    report.add_argument("--figures", type=Path, default=Path("figures"))


def fetch_dataset(options: argparse.Namespace) -> None:
    """`soundclr fetch`."""
    from soundclr import datasets

    params = load_checked(options.params)
    known(options.dataset, params.datasets, "dataset")
    print(datasets.fetch_dataset(options.dataset, params.datasets[options.dataset], options.data, options.mirror))


def fetch_weights(options: argparse.Namespace) -> None:
    """`soundclr weights`."""
    from soundclr import datasets

    params = load_checked(options.params)
    files = params.weights[known(options.weights, params.weights, "weights")].files
    known(options.encoder, files, f"encoder with weights '{options.weights}'")
    print(
        datasets.fetch_weights(options.weights, options.encoder, files[options.encoder], options.data, options.mirror)
    )


def build_features(options: argparse.Namespace) -> None:
    """`soundclr features`."""
    from soundclr import datasets
    from soundclr.datasets.decoding import decode_clips

    params = load_checked(options.params)
    source = params.datasets[known(options.dataset, params.datasets, "dataset")]
    index = existing(options.data / options.dataset / "index.csv", f"soundclr fetch {options.dataset}")
    datasets.check_current(options.dataset, source, options.data)
    output = runs.features_path(params, options.dataset, options.data)
    decode_clips(index, output, source.sample_rate, options.threads, source.channels, source.longest)
    print(output)


def train_run(options: argparse.Namespace) -> None:
    """`soundclr train`."""
    params = load_checked(options.params)
    run = asked_run(options, params)
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

    from soundclr import devices  # with PyTorch, which takes seconds that a mistake above need not wait for
    from soundclr.records import Metrics
    from soundclr.training.job import Paths, run_job

    paths = Paths(features, weights, options.results)
    devices.prepare(options.threads)
    with devices.lease(options.slots, options.jobs_per_gpu) as device, listening() as stop:
        path = run_job(run, params, paths, device, stop)
    print(f"{Metrics.read(path, run).summary}: {path}")


def is_finished(run: runs.Run, results: Path) -> bool:
    """Whether a run is done, and says so; a UserError for one that is damaged or whose model is not here."""
    path, model = run.directory(results) / "metrics.json", run.model(results)
    if not path.exists():
        return False

    from soundclr.records import Metrics

    again = "--force trains it again"
    with remedied(again):
        metrics = Metrics.read(path, run)
    if not model.exists():
        raise UserError(f"{path}: the run is finished, but its model is not here ({model}): pull it, or {again}")
    has = sha256_of_file(model)
    if metrics.model_sha256 != has:
        raise UserError(f"{model}: is not the model that the finished run's {path} names; pull it, or {again}")
    print(f"{path}: the run is finished; {again}")
    return True


def evaluate_run(options: argparse.Namespace) -> None:
    """`soundclr evaluate`."""
    params = load_checked(options.params)
    run = asked_run(options, params)
    refuse_other(options, "evaluations the key", runs.evaluation_key(params), options.key)
    features = existing(runs.features_path(params, run.dataset, options.data), f"soundclr features {run.dataset}")
    check_trained(run, options.results)

    from soundclr import devices  # with PyTorch, which takes seconds that a mistake above need not wait for
    from soundclr.evaluation.job import evaluate_job

    devices.prepare(options.threads)
    with devices.lease(options.slots, options.jobs_per_gpu) as device:
        print(evaluate_job(run, params, features, options.results, device))


def asked_run(options: argparse.Namespace, params: Params) -> runs.Run:
    """The run that a command line names, or a UserError where its hash is another one by now."""
    study = options.study or params.study
    run = runs.find_run(params, study, options.dataset, options.recipe, options.fold, options.seed)
    refuse_other(options, f"{run.recipe} the hash", run.hash, options.hash)
    return run


def refuse_other(options: argparse.Namespace, what: str, now: str, asked: str | None) -> None:
    """A job is for the parameters it was planned with: a UserError where they have changed meanwhile."""
    if asked not in (None, now):
        raise UserError(
            f"{options.params}: gives {what} {now}, but this job is for {asked}: the parameters were changed "
            "meanwhile; start the workflow again"
        )


def show_clip(options: argparse.Namespace) -> None:
    """`soundclr show`."""
    params = load_checked(options.params)
    study = params.get_study(options.study)
    name = options.study or params.study
    dataset = known(options.dataset or study.datasets[0], params.datasets, "dataset")
    recipe = options.recipe or params.recipes_of(study.recipes[0], f"studies.{name}")[0]
    features = existing(runs.features_path(params, dataset, options.data), f"soundclr features {dataset}")

    from soundclr.show import show

    print(show(params, name, dataset, recipe, options.clip, features, options.output))


def plan_study(options: argparse.Namespace) -> None:
    """`soundclr plan`."""
    from soundclr import plan

    params = load_checked(options.params)
    study = known(options.study or params.study, params.studies, "study")
    if options.measure:
        from soundclr.measuring import measure

        print(measure(params, study, options.results / "benchmark"))
    if options.write:
        from soundclr.plan_record import write_plan

        write_plan(params, study, options.write)
    for line in plan.lines(params, study, options.results, options.devices):
        print(line)


def study_status(options: argparse.Namespace) -> None:
    """`soundclr status`."""
    from soundclr.status import page
    from soundclr.status.standing import Places, Study

    params = load_checked(options.params)
    places = Places(options.results, options.data)
    study = Study.of(params, known(options.study or params.study, params.studies, "study"), places)
    if options.watch:
        page.watch(lambda: page.lines(study, places))
    else:
        print(*page.lines(study, places), sep="\n")


def print_schema(_: argparse.Namespace) -> None:
    """`soundclr schema`."""
    from soundclr.params.json_schema import json_schema

    print(json_schema(), end="")


def report_study(options: argparse.Namespace) -> None:
    """`soundclr report`."""
    params = load_checked(options.params)
    study = known(options.study or params.study, params.studies, "study")

    from soundclr.report.write import write_report

    write_report(params, study, options.results, options.figures, print)


def classify_files(options: argparse.Namespace) -> int:
    """`soundclr classify`; 2 if there were files that could not be classified."""
    run = one_run(options.run, options.params)

    from soundclr.classify import CSV_HEADER, Classifier, chart, csv_lines, json_line

    classifier = Classifier(run)
    show = json_line if options.json else csv_lines if options.csv else chart
    if options.csv:
        print(CSV_HEADER)
    code = 0
    for path in options.files:
        try:
            whole, windows = classifier.classify(path)
        except UserError as error:
            print(f"soundclr: error: {error}", file=sys.stderr)
            code = 2
            continue
        for part in windows if options.windows else [whole]:
            print(show(path, part, options.top or (3 if show is chart else None)))
    return code
