# Start: what a workflow does before its first job: take its turn in the folder, and keep the parameters as they are.
import hashlib
import signal

from snakemake.logging import logger as messages

from soundclr.planning import plan
from soundclr.run import own_sounds
from soundclr.machine.locks import is_held, locked
from soundclr.planning.status import ending
from soundclr.planning.status.jobs import Places, Study

LOCK = Path(".snakemake/soundclr.lock")
PLANNED_BESIDE_ANOTHER = is_held(LOCK)


def refuse_other_clips():
    """Plan nothing beside results of clips that are gone: of what changed under its name no path tells."""
    try:
        for dataset in sorted({run.dataset for run in RUNS}):
            own_sounds.check_clips(PARAMS, dataset)
        own_sounds.check_runs(PARAMS, RUNS, Path("results"))
    except UserError as error:
        sys.exit(f"snakemake: error: {error}")


if workflow.is_main_process and not workflow.remote_exec:
    refuse_other_clips()


def take_turn():
    """Let no other workflow run jobs in this folder before this process ends, in whatever way.

    Snakemake's own lock, which a `kill -9` leaves behind, is switched off in the profiles.
    """
    global turn
    try:
        turn = locked(LOCK, "the jobs of this folder are being run")
    except UserError as error:
        sys.exit(f"snakemake: error: {error}")
    if PLANNED_BESIDE_ANOTHER:
        sys.exit(
            "snakemake: error: another one ended here after this one was planned; run the same command again"
        )


def interrupt_once():
    """Let Ctrl-C end the workflow once: while jobs save themselves, another would break off with a traceback."""

    def interrupt(number, frame):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def freeze_params():
    """Let all jobs read the parameters as they are now, those too that start, or start again, after an edit.

    Jobs inherit the variable, on a cluster too, where each reads the Snakefile and the parameters anew.
    """
    frozen = Path("logs/params") / f"{hashlib.sha256(PARAMS_TEXT.encode()).hexdigest()[:12]}.yaml"
    write_text(frozen, PARAMS_TEXT)  # also over one that was damaged since
    os.environ.update(SOUNDCLR_PARAMS=str(frozen))


def warn():
    """Say which runs are left out, and which budgets are too few steps; a training says that too, but in its log."""
    for warning in [*optional.lines(PARAMS, LEFT_OUT), *plan.warnings(PARAMS, STUDY_NAME), *fewer_cores()]:
        print(f"warning: {warning}", file=sys.stderr)


def fewer_cores():
    """A line where ``--resources gpu`` asks for more trainings at once than there are cores."""
    asked = workflow.global_resources["gpu"].value if "gpu" in workflow.global_resources else 0
    if asked > CORES and not workflow.resource_settings.nodes:
        yield f"--resources gpu={asked} is more than the {CORES} cores of --cores: {CORES} trainings run at once"


onstart:
    take_turn()
    interrupt_once()
    try:
        freeze_params()
    except UserError as error:
        sys.exit(f"snakemake: error: {error}")
    messages.addFilter(ending.OneLine(workflow))
    warn()


onsuccess:
    print(*ending.success(STUDY_NAME), sep="\n", file=sys.stderr)


onerror:
    # at the end no job is starting any more, though the folder's lock is still held
    places = Places(workflow_lock=Path(os.devnull))
    print(*ending.lines(Study.of(PARAMS, STUDY_NAME), places), sep="\n", file=sys.stderr)
