"""Plans a study: its jobs, the hours on some devices, and the disk space; and the file of its plan for DVC."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from soundclr.audio.representations import REPRESENTATIONS, representation_of
from soundclr.machine.files import sha256_of_json, write_text
from soundclr.params import Params, RunSettings
from soundclr.params.entries import entry_of
from soundclr.planning.status.jobs import Places, Study, training_status
from soundclr.planning.status.left import left
from soundclr.report.catalogue import needs
from soundclr.report.made_of import report_inputs
from soundclr.run import optional, runs, unlearnt
from soundclr.run.clips import clips_of, training_clips
from soundclr.run.runs import Run
from soundclr.training import budget

HEAD = "# Written by `soundclr plan --write`: what the study comes to, by the hashes of all that decides it.\n"


class Share(NamedTuple):
    """An artefact's trainings, and how many of them no earlier line counts."""

    title: str
    trainings: int
    new: int


def shares(params: Params, study: str) -> list[Share]:
    """How many trainings each choice of runs needs; equal ones are trained once and counted in the first line.

    Trainings that others start from have a line of their own.
    """
    wanted = needs(params, study)
    if starts := {start for run in runs.expand(params, study) if (start := runs.started_from(params, run))}:
        wanted.append(("models that others start from", tuple(starts)))
    seen: set[Run] = set()
    lines = []
    for title, chosen in wanted:
        lines.append(Share(title, len(chosen), len(set(chosen) - seen)))
        seen |= set(chosen)
    return lines


def warnings(params: Params, study: str) -> list[str]:
    """Of budgets with too few steps, of lost samples, and of classes without a training clip, with the recipes."""
    recipes: dict[str, list[str]] = {}
    placed = cache(partial(unlearnt.placed, params))
    for run in {(run.dataset, run.recipe): run for run in runs.expand(params, study)}.values():
        settings = params.resolve(study, run.dataset, run.recipe)
        lost = entry_of(REPRESENTATIONS, settings.representation, "representation", "a run's settings").warning()
        for line in [*budget.warnings(settings, round(training_clips(params, run)[0])), *([lost] if lost else [])]:
            recipes.setdefault(f"on {run.dataset}, {line}", []).append(run.recipe)
        folds, inner = params.datasets[run.dataset].folds, settings.stages[-1].training.validation == "inner"
        for line in unlearnt.lines(placed(run.dataset), params.folds(study, run.dataset), folds, inner):
            recipes.setdefault(f"on {run.dataset}, {line}", []).append(run.recipe)
    return [f"{', '.join(names)} {line}" for line, names in recipes.items()]


def features_bytes(params: Params, dataset: str) -> int:
    """The size of a dataset's decoded clips (int16; pictures uint8) if all were as long as the longest."""
    source = params.datasets[dataset]
    return clips_of(params, dataset) * source.audio.samples * (1 if source.pixels else 2)


def model_bytes(settings: RunSettings, classes: int) -> int:
    """The approximate size of a trained network's file: its tensors', which are not allocated."""
    import torch  # takes seconds, which nothing else here needs

    from soundclr.models.network import Network

    with torch.device("meta"):
        network = Network.from_settings(settings, representation_of(settings).channels, classes)
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def lines(params: Params, study: str, results: Path, devices: Sequence[int]) -> Iterator[str]:
    """The plan as text: jobs, hours, and disk space. UserError for a dataset without an adapter."""
    from soundclr.datasets import adapter_of  # imports pandas, which nothing else here needs

    wanted = list(runs.expand(params, study))
    for dataset in dict.fromkeys(run.dataset for run in wanted):
        adapter_of(dataset, params.datasets[dataset])
    done = sum((run.directory(results) / "metrics.json").is_file() for run in wanted)
    yield f"Study {study}: {params.studies[study].title} ({params.studies[study].note})"
    yield ""
    yield f"{'trainings':>10} {'new':>6}  for"
    for share in shares(params, study):
        yield f"{share.trainings:>10} {share.new:>6}  {share.title}"
    yield f"{'':>10} {len(wanted):>6}  in all, each trained once; {done} are done"
    if evaluated := runs.evaluated(params, study):
        yield f"{'':>10} {len(evaluated):>6}  evaluations of trained models"
    for line in optional.lines(params, optional.left_out(params, study, results)):
        yield f"{'':>10} {'':>6}  {line}"
    yield ""
    yield from hours(params, study, results, devices)
    yield ""
    yield from disk(params, study, wanted)
    for warning in warnings(params, study):
        yield f"\nWarning: {warning}."


def hours(params: Params, study: str, results: Path, devices: Sequence[int]) -> Iterator[str]:
    """The hours that remain with some numbers of ``devices``, from the speed of the trainings that have begun."""
    places = Places(results=results)
    its = Study.from_params(params, study, places)
    if all((run.directory(results) / "metrics.json").is_file() for run in its.runs):
        yield "Hours: none are left, all trainings are done."
        return
    trainings = [training_status(its, run, places) for run in its.runs]
    found = [left(its, trainings, number) for number in devices]
    if not found[0].by:
        yield "Hours: known once a training has done an epoch; then this command shows them."
        return
    yield "Hours left at most (if patience ends no training early), from the speed of the trainings that have begun"
    yield f"({', '.join(sorted({one.device for one in trainings if one.seconds}))}); evaluations are not counted:"
    yield f"{'devices':>10} {'hours':>10}"
    for one in found:
        yield f"{one.at_once:>10,} {one.together / 3600:>10,.1f}"
    if found[0].unknown:
        yield f"and {found[0].unknown} trainings with a kind of stage that has not run yet."
    elif found[0].longest:
        yield (
            f"The longest training, with what it starts from, takes {found[0].longest / 3600:,.1f} hours, so more than "
            f"about {-(-found[0].device // found[0].longest):,.0f} devices save no time."
        )


def disk(params: Params, study: str, wanted: Sequence[Run]) -> Iterator[str]:
    """The disk space and memory for decoded clips and trained models."""
    features = [features_bytes(params, dataset) for dataset in dict.fromkeys(run.dataset for run in wanted)]
    sizes = {
        (dataset, recipe): model_bytes(params.resolve(study, dataset, recipe), params.datasets[dataset].classes or 2)
        for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in wanted)
    }
    models = sum(sizes[run.dataset, run.recipe] for run in wanted)
    yield (
        f"Disk: {size(sum(features))} of decoded clips at most, {size(models)} of trained models "
        f"({size(max(sizes.values()))} each at most), and three times its model for each running training."
    )
    yield f"Memory: a training keeps its dataset's decoded clips on its device, {size(max(features))} at most."


def size(number: float) -> str:
    """A number of bytes in GB, or in MB if it is less than one GB."""
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def write_plan(params: Params, study: str, path: Path) -> None:
    """Write :func:`planned` as YAML. DVC's stages depend on that small file, so that only what changed runs again."""
    write_text(path, HEAD + yaml.safe_dump(planned(params, study), sort_keys=False, width=120))


def planned(params: Params, study: str) -> dict[str, Any]:
    """The parts on which DVC's stages depend: ``runs``, ``evaluations`` and ``report``.

    They list runs and evaluations by the hashes of all their settings, and have a hash of what the report shows.
    Settings that change none of them, such as another study's, do not change them.
    """
    left_out = optional.left_out(params, study)
    asked = [run for run in runs.expand(params, study) if run not in left_out]
    evaluated = [run for run in runs.evaluated(params, study) if run not in left_out]
    settings = f"hash {runs.evaluation_key(params)}"
    evaluations = {"settings": settings, "runs": by_group(evaluated)} if evaluated else {}
    return {
        "runs": by_group(asked),
        "evaluations": evaluations,
        "report": sha256_of_json(report_inputs(params, study)),
    }


def by_group(asked: list[Run]) -> dict[str, str]:
    """The folds and seeds of each dataset and recipe, as in ``folds 1 2 3, seeds 0 1``."""
    found: dict[str, tuple[dict[int, None], dict[int, None]]] = {}
    for run in asked:
        folds, seeds = found.setdefault(run.group, ({}, {}))
        folds[run.fold], seeds[run.seed] = None, None
    return {group: f"folds {' '.join(map(str, f))}, seeds {' '.join(map(str, s))}" for group, (f, s) in found.items()}
