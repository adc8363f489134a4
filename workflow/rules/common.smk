# What all stages need: the parameters, the study, and the paths that runs and data have.
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

from soundclr import params as parameters, plan, runs
from soundclr.errors import UserError
from soundclr.files import write_text
from soundclr.report.layout import caption_path, category, report_paths

PARAMS_FILE = Path(os.environ.get("SOUNDCLR_PARAMS") or "params.yaml")
try:
    PARAMS = parameters.load(PARAMS_FILE)
    STUDY_NAME = parameters.known(config.get("study", PARAMS.study), PARAMS.studies, "study")
    RUNS = list(runs.expand(PARAMS, STUDY_NAME))
except UserError as error:
    raise WorkflowError(str(error))
STUDY = PARAMS.studies[STUDY_NAME]
METRICS = [f"{run.directory()}/metrics.json" for run in RUNS]
EVALUATED = list(runs.expand(PARAMS, STUDY_NAME, "figure5")) if "figure5" in STUDY.artefacts else []
EVALUATIONS = [f"{run.evaluation(runs.evaluation_key(PARAMS))}/evaluation.json" for run in EVALUATED]
PARAMS_TEXT = PARAMS_FILE.read_text()
MIRROR = f"--mirror '{config['mirror']}'" if "mirror" in config else ""


wildcard_constraints:
    dataset=r"[a-z][a-z0-9_]*",
    recipe=r"[a-z][a-z0-9_]*",
    hash=r"[0-9a-f]{12}",
    key=r"[0-9a-f]{12}",
    fold=r"\d+",
    seed=r"\d+",


def freeze_params():
    """Let all jobs read the parameters as they are now, those too that start, or start again, after an edit.

    Jobs inherit the variable, on a cluster too, where each reads the Snakefile and the parameters anew.
    """
    frozen = Path("logs/params") / f"{hashlib.sha256(PARAMS_TEXT.encode()).hexdigest()[:12]}.yaml"
    if not frozen.exists():
        write_text(frozen, PARAMS_TEXT)
    os.environ.update(SOUNDCLR_PARAMS=str(frozen))


@cache
def features_file(dataset):
    """The file of a dataset's decoded clips."""
    return str(runs.features_path(PARAMS, dataset))


@cache
def weights_files(dataset, recipe):
    """The initial weights of a recipe's encoder: one file, or none for an encoder from scratch."""
    encoder = PARAMS.resolve(STUDY_NAME, dataset, recipe).encoder
    return [] if encoder.weights == "none" else [str(runs.weights_path(encoder.weights, encoder.name))]


WEIGHTS = sorted({file for run in RUNS for file in weights_files(run.dataset, run.recipe)})


def run_of(wildcards):
    """The run that a job is for."""
    fold, seed = int(wildcards.fold), int(wildcards.seed)
    return runs.Run(STUDY_NAME, wildcards.dataset, wildcards.recipe, wildcards.hash, fold, seed)


# Evaluations that are still to come need their runs' models.
WANTED_MODELS = {run.model() for run, file in zip(EVALUATED, EVALUATIONS) if not Path(file).exists()}


def unless_trained(wildcards, files):
    """What a training needs: no more than is there where the run is, since its path says what it was made of.

    So neither a file's time nor missing data, on a clone say, trains again what has been trained.
    """
    run = run_of(wildcards)
    trained = (run.directory() / "metrics.json").exists()
    wanted = run.model() in WANTED_MODELS and not run.model().exists()
    return if_there(files) if trained and not wanted else files


def unless_evaluated(wildcards, file):
    """What an evaluation needs: no more than is there where the evaluation is."""
    evaluated = (run_of(wildcards).evaluation(wildcards.key) / "evaluation.json").exists()
    return if_there([str(file)]) if evaluated else str(file)


def if_there(files):
    """Those of ``files`` that are there, whatever their age."""
    return [ancient(file) for file in files if Path(file).exists()]


CORES = workflow.resource_settings.cores or 1  # none are named to `snakemake --unlock`, nor on a cluster

# Tries that may follow a training's first; the workflow counts them, not a cluster's job that runs it once.
RETRIES = 0 if workflow.remote_exec else 2


def training_threads(wildcards):
    """An equal share of the cores for each training that the gpu resource lets run at once."""
    at_once = workflow.global_resources["gpu"].value if "gpu" in workflow.global_resources else 1
    return max(1, CORES // max(1, at_once))


def shown(path):
    """A file of the report, marked for `snakemake --report` where a reader should see it there.

    Its caption is written with it, since it says how many runs there are, of which data, weights and budget.
    """
    heading = category(path)
    if heading is None:
        return str(path)
    caption = caption_path(path, STUDY_NAME, Path("results")).resolve()
    return report(str(path), caption=str(caption), category=heading)


def warn_of_budgets():
    """Say which of the study's budgets are too few steps; a training says it too, but in its log."""
    for warning in plan.warnings(PARAMS, STUDY_NAME):
        print(f"warning: {warning}", file=sys.stderr)
