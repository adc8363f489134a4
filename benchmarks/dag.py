"""What the workflow costs beside the trainings: planning, and starting jobs."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.context import Context, Row
from benchmarks.timing import cost_of
from soundclr.errors import UserError
from soundclr.machine.files import write_json
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.report import made_of

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]
NOTHING = "rule all:\n    input: []\n"
TRIVIAL = 200
GROWTH = (100, 400, 1000, 4000)  # about so many jobs
PER_SEED = 2 * 3 * 5  # a training and its evaluation, of each recipe and fold


def measure(context: Context) -> Iterator[Row]:
    """`snakemake -n` of studies, against that of a Snakefile with one rule that does nothing."""
    if not (context.root / "Snakefile").is_file():
        raise UserError(f"{context.root}: has no Snakefile; run the benchmark in the repository's root")
    empty = context.folder / "empty"
    empty.mkdir()
    (empty / "Snakefile").write_text(NOTHING)
    study = project(context, "paper", context.params.model_copy(update={"study": "paper"}))
    repeats = context.choose(3, 1)
    yield from planning(context, "paper", "the whole paper study, nothing done", study, empty, repeats)

    done = project(context, "done", grown(context.params, 15)) if context.quick else study
    adopt(context, done)
    yield from planning(context, "up_to_date", "the same with all done", done, empty, repeats)

    for jobs in GROWTH[: context.choose(len(GROWTH), 2)]:
        large = project(context, f"jobs{jobs}", grown(context.params, jobs))
        yield from planning(context, f"{jobs}", f"a study of about {jobs} jobs", large, empty, repeats)
    yield starting(context, empty)


def planning(context: Context, name: str, what: str, study: Path, empty: Path, repeats: int) -> Iterator[Row]:
    """Time and memory of a dry run of ``study``, in turns with the empty workflow's."""
    command, environment = [*SNAKEMAKE, "--dry-run", "--quiet", "rules"], context.environment()
    plan = cost_of([*SNAKEMAKE, "--dry-run"], study, environment).output  # also leaves Python's caches behind
    total = re.search(r"^total +(\d+)$", plan, re.MULTILINE)
    note = f"{total[1]} jobs" if total else "nothing to be done"
    rounds = [[cost_of(command, folder, environment) for folder in (study, empty)] for _ in range(repeats)]
    for kind, unit, side in (("", "s", "seconds"), ("_memory", "MB", "resident")):
        yield Row(
            name=f"dag_{name}{kind}",
            what=f"snakemake -n, {'peak memory, ' if kind else ''}{what}",
            kind="cost",
            unit=unit,
            ours_is=note,
            ours=[getattr(ours, side) for ours, _ in rounds],
            against_is="a workflow of one empty rule",
            against=[getattr(against, side) for _, against in rounds],
        )


def starting(context: Context, empty: Path) -> Row:
    """Seconds that jobs which do nothing take, beyond those of the empty workflow."""
    count = context.choose(TRIVIAL, 10)
    folder = context.folder / "trivial"
    shutil.copytree(context.root / "profiles", folder / "profiles")
    (folder / "Snakefile").write_text(
        f'rule all:\n    input: expand("{{n}}.txt", n=range({count}))\n\n'
        'rule one:\n    output: "{n}.txt"\n    resources: gpu=1\n    shell: "touch {output}"\n'
    )
    command = [*SNAKEMAKE, "--resources", "gpu=2", "--quiet", "all"]
    seconds = []
    for _ in range(context.choose(3, 1)):
        ours, nothing = (
            cost_of([*command, "--forceall"], place, context.environment()).seconds for place in (folder, empty)
        )
        seconds.append(1000 * (ours - nothing) / count)
    return Row(
        name="dag_job",
        what=f"a job that does nothing, of {count}, with the default profile",
        kind="cost",
        unit="ms a job",
        ours_is="beyond the empty workflow's time, two at once",
        ours=seconds,
    )


def project(context: Context, name: str, params: Params) -> Path:
    """A copy of the workflow with these parameters."""
    folder = context.folder / name
    for part in ("workflow", "profiles"):
        shutil.copytree(context.root / part, folder / part)
    for file in ("Snakefile", "environment.yml"):
        shutil.copy(context.root / file, folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    return folder


def grown(params: Params, jobs: int) -> Params:
    """``params`` with the paper's three schemes on ESC-50, nothing else, with seeds for about ``jobs`` jobs."""
    paper = params.studies["paper"]
    seeds = tuple(range(max(1, round(jobs / PER_SEED))))
    study = paper.model_copy(update={"datasets": ("esc50",), "seeds": seeds, "artefacts": {}})
    return params.model_copy(update={"study": "paper", "studies": {"paper": study}})


def adopt(context: Context, folder: Path) -> None:
    """Make every file of a study, empty, and have Snakemake take them for its own."""
    summary = cost_of([*SNAKEMAKE, "--summary", "--quiet", "all"], folder, context.environment()).output
    for line in summary.splitlines():
        name = line.split("\t")[0]
        if "\t" in line and name not in ("output_file", "filename"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    params = load_checked(folder / "params.yaml")  # the report's record, by which Snakemake knows that it is current
    results, study = folder / "results", params.study
    write_json(results / study / made_of.FILE, made_of.made_of(params, study, results))
    cost_of([*SNAKEMAKE, "--touch", "--forceall", "--quiet", "all"], folder, context.environment())
