"""Read the evaluations of finished runs: accuracy under noise, distances and a projection."""

from dataclasses import dataclass
from pathlib import Path

from pandas import DataFrame

from soundclr.errors import UserError, remedied
from soundclr.evaluation.conditions import Noise, conditions
from soundclr.losses import classifies
from soundclr.params import EvaluationSettings, Params, validated
from soundclr.report.run_results import RunResult, read_table
from soundclr.run import runs
from soundclr.run.records import EvaluationRecord
from soundclr.run.runs import Run

COLUMNS = ["clip", "label", "class", "x", "y"]
ANSWERS = "answers.csv"


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one run's model (its last epoch's weights) on its held-out clips.

    ``projection``: a row for each clip, with clip, label, class and its place x, y. ``answers``: a row for each clip,
    with clip, label and, in a column for each noise (:attr:`Noise.column`), the class that the model gives; None in
    earlier versions.
    """

    run: Run
    record: EvaluationRecord
    projection: DataFrame
    answers: DataFrame | None = None


def read_evaluations(
    params: Params, study: str, results: Path, wanted: dict[Run, RunResult]
) -> tuple[dict[Run, Evaluation], tuple[Path, ...]]:
    """The evaluations of the ``wanted`` finished runs by params.yaml's evaluation, and the folders of all others.

    Raises UserError for one that was edited, is cut short, or contradicts its path or its run.
    """
    key = runs.evaluation_key(params)
    top = results / study
    found, set_aside = {}, []
    for path in sorted((top / "evaluations").glob("**/evaluation.json")):
        run = Run.from_directory(top / "runs" / path.parent.parent.relative_to(top / "evaluations"), results)
        if run is None or run.evaluation(path.parent.name, results) != path.parent:
            raise UserError(
                f"{path}: not the path of an evaluation, <dataset>/<recipe>-<hash>/fold<k>-seed<s>/<key>; move it away"
            )
        with remedied(EvaluationRecord.REMEDY):
            record = EvaluationRecord.read(path, run, key=path.parent.name)
            if path.parent.name == key and run in wanted:
                found[run] = load_evaluation(params, path, record, wanted[run])
            else:
                set_aside.append(path.parent)
    return found, tuple(set_aside)


def load_evaluation(params: Params, path: Path, record: EvaluationRecord, result: RunResult) -> Evaluation:
    """An evaluation, after checking that it is complete, and of the run's own model and clips."""
    settings = params.evaluation
    if validated(EvaluationSettings, record.settings, f"{path}: settings") != settings:
        raise UserError(f"{path}: its settings are not params.yaml's evaluation, whose hash its key is")
    for what in ("model_sha256", "index_sha256"):
        says, is_so = getattr(record, what), getattr(result.metrics, what)
        if says != is_so:
            raise UserError(f"{path}: says {what} {says}, its run's metrics.json says {is_so}")
    asked = conditions(settings) if classifies(result.settings) else ()
    if sorted(map(str, asked)) != sorted(str(Noise(a.noise, a.sigma, a.snr_db)) for a in record.accuracy):
        raise UserError(f"{path}: its noises are not those that params.yaml's evaluation names")
    for under in record.accuracy:
        if abs(under.accuracy * record.clips - under.right) > 0.01:
            raise UserError(f"{path}: says {under.right} of {record.clips} right and {under.accuracy}")
    projection = read_table(path.with_name("projection.csv"))
    if list(projection.columns) != COLUMNS:
        raise UserError(f"{path.with_name('projection.csv')}: its columns are not {', '.join(COLUMNS)}")
    if not (clips := result.metrics.clips.test) == record.clips == len(projection):
        raise UserError(
            f"{path}: {record.clips} clips, {len(projection)} in projection.csv, {clips} held out by the run"
        )
    answers = read_answers(path.with_name(ANSWERS), record) if ANSWERS in record.files else None
    return Evaluation(result.run, record, projection, answers)


def read_answers(path: Path, record: EvaluationRecord) -> DataFrame:
    """The classes that the model gave each clip; UserError where they contradict the ``record``."""
    answers = read_table(path, text=("clip",))
    noises = {Noise(one.noise, one.sigma, one.snr_db).column: one.right for one in record.accuracy}
    if list(answers.columns) != ["clip", "label", *noises] or len(answers) != record.clips:
        raise UserError(f"{path}: its columns and clips are not those of the evaluation.json beside it")
    for column, recorded in noises.items():
        if (right := int((answers[column] == answers["label"]).sum())) != recorded:
            raise UserError(f"{path}: {right} clips are right in {column}, evaluation.json says {recorded}")
    return answers
