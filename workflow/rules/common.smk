# Shared by all stages: the parameters, the study, and the paths of runs and data.
import os
import sys
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml

from soundclr import params as parameters
from soundclr.run import optional, own_sounds, runs
from soundclr.errors import UserError
from soundclr.machine.files import refuse_irregular, write_text
from soundclr.method import load_checked
from soundclr.machine.gpus import visible_gpus
from soundclr.report.catalogue import caption_path, category, check_artefacts
from soundclr.report.catalogue import front_page, labels, report_paths
from soundclr.report.made_of import is_current

PARAMS_FILE = Path(os.environ.get("SOUNDCLR_PARAMS") or "params.yaml")
# The names that --resources may limit: simultaneous trainings (gpu), and Snakemake's own resources.
LIMITS = "gpu mem mem_mb mem_mib disk disk_mb disk_mib runtime tmpdir _cores _nodes".split()


@contextmanager
def one_line_errors():
    """End with the line of a UserError; the exception would print Snakemake's traceback too."""
    try:
        yield
    except UserError as error:
        sys.exit(f"snakemake: error: {error}")


with one_line_errors():
    for key in config:
        parameters.known(key, ["study", "mirror"], "key of --config")
    for name in workflow.global_resources:
        parameters.known(name, LIMITS, "name of --resources")
    if set("{}") & set(f"{Path.cwd()}{workflow.basedir}"):
        raise UserError(f"{Path.cwd()}: Snakemake cannot work in a folder with braces in its path; rename it")
    PARAMS = load_checked(PARAMS_FILE)
    check_artefacts(PARAMS)
    STUDY_NAME = parameters.known(config.get("study", PARAMS.study), PARAMS.studies, "study")
    if "mirror" in config:  # not a rule's parameter, because the origin of data changes no result
        os.environ.update(SOUNDCLR_MIRROR=str(config["mirror"]))
    LEFT_OUT = optional.left_out(PARAMS, STUDY_NAME)
    RUNS = [run for run in runs.expand(PARAMS, STUDY_NAME) if run not in LEFT_OUT]
    if "DVC_STAGE" in os.environ:
        own_sounds.check_seen_by_dvc(PARAMS, {run.dataset for run in RUNS})
STUDY = PARAMS.studies[STUDY_NAME]
METRICS = [f"{run.directory()}/metrics.json" for run in RUNS]
EVALUATED = [run for run in runs.evaluated(PARAMS, STUDY_NAME) if run not in LEFT_OUT]
EVALUATIONS = [f"{run.evaluation(runs.evaluation_key(PARAMS))}/evaluation.json" for run in EVALUATED]
with one_line_errors():
    written = [run.directory() / name for run in RUNS for name in ("history.csv", "predictions.csv")]
    made = report_paths(PARAMS, STUDY_NAME, Path("results"), Path("figures"))
    refuse_irregular([*METRICS, *EVALUATIONS, *written, *(run.model() for run in RUNS), *made])
# params.yaml merged with the files that it includes and with studies' bases: what jobs read.
PARAMS_TEXT = yaml.safe_dump(parameters.read_params(PARAMS_FILE), sort_keys=False, allow_unicode=True)


wildcard_constraints:
    dataset=r"[a-z][a-z0-9_]*",
    recipe=r"[a-z][a-z0-9_]*",
    hash=r"[0-9a-f]{12}",
    key=r"[0-9a-f]{12}",
    fold=r"\d+",
    seed=r"\d+",


@cache
def features_file(dataset):
    """The file of a dataset's decoded clips."""
    return str(runs.features_path(PARAMS, dataset))


@cache
def weights_files(dataset, recipe):
    """The files of initial weights of a recipe's encoder: one, or none if it is trained from scratch."""
    settings = PARAMS.resolve(STUDY_NAME, dataset, recipe)
    weights = settings.start.weights
    return [] if weights == "none" else [str(runs.weights_path(weights, settings.network))]


WEIGHTS = sorted({file for run in RUNS for file in weights_files(run.dataset, run.recipe)})

# A run of the study with wildcards, for paths.
ANY_RUN = runs.Run(STUDY_NAME, "{dataset}", "{recipe}", "{hash}", "{fold}", "{seed}")


def run_of(wildcards):
    """The run that a job trains or evaluates."""
    fold, seed = int(wildcards.fold), int(wildcards.seed)
    return runs.Run(STUDY_NAME, wildcards.dataset, wildcards.recipe, wildcards.hash, fold, seed)


@cache
def started_from(run):
    """The run whose encoder a run starts from; None for any other start."""
    return runs.started_from(PARAMS, run)


def is_to_train(run, wanted):
    """Whether a run is missing, or its model is ``wanted`` and missing."""
    trained = (run.directory() / "metrics.json").exists()
    return not trained or (run.model() in wanted and not run.model().exists())


def wanted_models():
    """The models that missing evaluations need, or trainings that start from another run."""
    wanted = {run.model() for run, file in zip(EVALUATED, EVALUATIONS) if not Path(file).exists()}
    for run in RUNS:
        while is_to_train(run, wanted) and (run := started_from(run)):
            wanted.add(run.model())
    return wanted


WANTED_MODELS = wanted_models()


def unless_trained(wildcards, files):
    """A training's input files; for a finished run only those that exist, because its path has the hash of its inputs.

    So neither a file's time nor missing data, for example in a clone, makes a finished run train again.
    """
    return files if is_to_train(run_of(wildcards), WANTED_MODELS) else if_there(files)


def start_files(wildcards):
    """The record and the model of the run that a training starts from; none for any other start."""
    other = started_from(run_of(wildcards))
    return [] if other is None else [f"{other.directory()}/metrics.json", str(other.model())]


def unless_evaluated(wildcards, file):
    """An evaluation's input file; for a finished evaluation only if it exists."""
    evaluated = (run_of(wildcards).evaluation(wildcards.key) / "evaluation.json").exists()
    return if_there([str(file)]) if evaluated else str(file)


def to_report(wildcards):
    """The report's input files: runs and evaluations, regardless of their age if the report is current.

    If the report's fingerprint shows that it is outdated, a new marker file makes Snakemake write it again. So neither
    files' times nor lost metadata of Snakemake keep an old table. (A missing intermediate file would not do that.)
    """
    if is_current(PARAMS, STUDY_NAME, Path("results")):
        forced = workflow.dag_settings.forcerun  # such as trainings to run again
        return REPORTED if forced else [ancient(file) if Path(file).exists() else file for file in REPORTED]
    marker = Path(f".snakemake/{STUDY_NAME}.outdated")
    write_text(marker, f"found at {time.time_ns()}")
    return [*REPORTED, str(marker)]


def if_there(files):
    """The existing ones of ``files``, regardless of their age."""
    return [ancient(file) for file in files if Path(file).exists()]


# `snakemake --unlock` and clusters give no number of cores; on a cluster a job has the threads that it was queued with.
CORES = (not workflow.remote_exec and workflow.resource_settings.cores) or 1

# Simultaneous trainings: one per GPU or, without GPUs, one per core, because a second thread gains less than a second
# training. A cluster has its own limits.
if (
    "gpu" not in workflow.global_resources
    and workflow.is_main_process
    and not workflow.resource_settings.nodes
):
    workflow.register_resource("gpu", visible_gpus() or CORES)

# Retries of a training. The workflow counts them; a cluster's job runs it once.
RETRIES = 0 if workflow.remote_exec else 2


def training_threads(wildcards):
    """An equal share of the cores for each simultaneous training; gpu=0 makes trainings use the CPU."""
    at_once = workflow.global_resources["gpu"].value if "gpu" in workflow.global_resources else 1
    return max(1, CORES // (at_once or CORES))


def shown(path):
    """A file of the report, marked for `snakemake --report` if that should include it.

    Its caption is written together with it, because it has the number of runs, the data, weights and budget.
    """
    heading = category(path)
    if heading is None:
        return str(path)
    caption = caption_path(path, STUDY_NAME, Path("results")).resolve()
    return report(str(path), caption=str(caption), category=heading, labels=labels(PARAMS, path))
