# Start: before its first job, a workflow locks the folder and freezes the parameters.
import hashlib
import signal

from snakemake.logging import logger as messages

from soundclr.planning import plan
from soundclr.run import own_sounds
from soundclr.machine.locks import is_held, locked
from soundclr.planning.status import ending
from soundclr.planning.status.jobs import Places, Study

LOCK = Places().workflow_lock
PLANNED_BESIDE_ANOTHER = is_held(LOCK)


# Own clips that have changed under their names since they were fetched, which paths do not show, are refused.
if workflow.is_main_process and not workflow.remote_exec:
    with one_line_errors():
        for dataset in sorted({run.dataset for run in RUNS}):
            own_sounds.check_clips(PARAMS, dataset)
        own_sounds.check_runs(PARAMS, RUNS, Path("results"))


def take_turn():
    """Lock the folder against other workflows until this process ends in any way.

    Snakemake's own lock, which a `kill -9` leaves behind, is switched off in the profiles.
    """
    global turn
    with one_line_errors():
        turn = locked(LOCK, "the jobs of this folder are being run")
    if PLANNED_BESIDE_ANOTHER:
        sys.exit(
            "snakemake: error: another workflow ended here after this one was planned; run the same command again"
        )


def interrupt_once():
    """Ignore Ctrl-C after the first: while jobs save themselves, a second would end in a traceback."""

    def interrupt(number, frame):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def freeze_params():
    """Copy the parameters for all jobs, so that an edit does not affect jobs that start later or again.

    Jobs inherit the variable with the copy's name, also on a cluster, where each job reads the Snakefile again.
    """
    frozen = Path("logs/params") / f"{hashlib.sha256(PARAMS_TEXT.encode()).hexdigest()[:12]}.yaml"
    write_text(frozen, PARAMS_TEXT)  # also replaces a damaged copy
    os.environ.update(SOUNDCLR_PARAMS=str(frozen))


def warn():
    """Print which runs are left out and which budgets have too few steps; trainings warn only in their logs."""
    for warning in [*optional.lines(PARAMS, LEFT_OUT), *plan.warnings(PARAMS, STUDY_NAME), *fewer_cores()]:
        print(f"warning: {warning}", file=sys.stderr)


def fewer_cores():
    """A warning if ``--resources gpu`` asks for more simultaneous trainings than there are cores."""
    asked = workflow.global_resources["gpu"].value if "gpu" in workflow.global_resources else 0
    if asked > CORES and not workflow.resource_settings.nodes:
        yield f"--resources gpu={asked} is more than the {CORES} cores of --cores: {CORES} trainings run at once"


onstart:
    take_turn()
    interrupt_once()
    with one_line_errors():
        freeze_params()
    messages.addFilter(ending.OneLine(workflow))
    warn()


onsuccess:
    # not where only trainings were asked for, as DVC's stages do: the page is then an older one
    if is_current(PARAMS, STUDY_NAME, Path("results")):
        print(*ending.success(STUDY_NAME), sep="\n", file=sys.stderr)


onerror:
    # no job is starting any more, although this process still holds the folder's lock
    places = Places(workflow_lock=Path(os.devnull))
    print(*ending.lines(Study.from_params(PARAMS, STUDY_NAME), places), sep="\n", file=sys.stderr)
