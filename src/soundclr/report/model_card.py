"""A study's model card: its models, their data and weights, their accuracy and their limits.

All of it is read from the runs' records and params.yaml.
"""

import statistics
from collections.abc import Iterator

from soundclr.report.artefacts.classes import class_accuracy
from soundclr.report.captions import context, protocol_notes, settings_that_differ, study_sentence
from soundclr.report.collect import Collection
from soundclr.report.frames import records, split
from soundclr.report.intervals import summary
from soundclr.report.markup import markdown_escape, markdown_table
from soundclr.report.table import NONE, coverage, formatted, sentences
from soundclr.report.table import accuracy as accuracy_of

NOT_STATED = "not stated"
MODELS = (
    "Each run is a trained network in the folder `models` beside this file, which DVC keeps and git does not. "
    "`soundclr classify FILE --run RUN` classifies a sound with one of them."
)


def model_card(collection: Collection) -> str:
    """MODEL_CARD.md of a study."""
    texts = [f"# Model card: {markdown_escape(collection.params.studies[collection.study].title)}"]
    texts += [markdown_escape(sentences(study_sentence(collection), collection.coverage)), MODELS]
    if collection.results:
        texts += ["## Data", data(collection), "## Initial weights", weights(collection)]
        own = context(collection, collection.finished() or collection.results)
        facts = sentences(*own, settings_that_differ(collection), "All settings of a run are in its metrics.json")
        texts += ["## Settings", markdown_escape(facts)]
        texts += ["## Accuracy", accuracy(collection)]
    texts += ["## Limits", "\n".join(f"- {markdown_escape(limit)}" for limit in limits(collection))]
    texts.append("Written by the report from params.yaml and the run folders: changes made here are lost.")
    return "\n\n".join(texts) + "\n"


def data(collection: Collection) -> str:
    """A row for each dataset with runs: its licence, clips and classes; the classes' names are below."""
    rows, classes = [], []
    for dataset in dict.fromkeys(result.run.dataset for result in collection.results):
        source = collection.params.datasets[dataset]
        metrics = next(result.metrics for result in collection.results if result.run.dataset == dataset)
        length = f"{source.pixels} x {source.pixels} pixels, RGB"
        if not source.pixels:
            length = f"{source.samples / source.sample_rate:g} s at {source.sample_rate:,} Hz, mono"
        counts = [str(len(metrics.classes)), str(metrics.clips.train), str(metrics.clips.test)]
        rows.append([collection.title(dataset), source.licence or NOT_STATED, length, *counts])
        names = ", ".join(name.replace("_", " ") for name in metrics.classes)
        classes.append(markdown_escape(f"Classes of {collection.title(dataset)}: {names}."))
    header = ["dataset", "licence", "a clip", "classes", "training clips of the first run", "its held-out clips"]
    return "\n\n".join([markdown_table(header, rows), *classes])


def weights(collection: Collection) -> str:
    """A row for each start of an encoder: the licence and hash of its file."""
    rows = []
    for result in collection.results:
        used, encoder = result.metrics.start, result.settings.encoder.name
        if used.name == "none":
            row = [encoder, "random", NONE, NONE]
        elif (known := collection.params.weights.get(used.name)) is not None:
            row = [encoder, known.title, known.licence or NOT_STATED, used.sha256 or NONE]
        else:
            row = [encoder, f"a model of {collection.scheme(str(result.settings.start.run))}", "as that model's", NONE]
        rows.append(row)
    note = "The code is under the MIT licence. A model also comes from its data and its initial weights, so their "
    note += "licences hold for it."
    return f"{markdown_table(['encoder', 'starts from', 'licence', 'SHA-256'], rows)}\n\n{note}"


def accuracy(collection: Collection) -> str:
    """A row for each dataset and scheme of the study's own runs with a classifier, with its hardest class."""
    learnt = collection.classifying
    classes = class_accuracy(learnt).dropna()
    rows = []
    for row in records(summary(learnt.asked_of()).query("runs > 0")):
        of_it = classes[(classes["dataset"] == row["dataset"]) & (classes["recipe"] == row["recipe"])]
        hardest = of_it.loc[of_it["last_epoch_percent"].astype(float).idxmin()]
        worst = f"{hardest['class'].replace('_', ' ')}, {formatted(hardest['last_epoch_percent'])}"
        place = [collection.title(row["dataset"]), collection.scheme(row["recipe"]), coverage(row)]
        rows.append([*place, accuracy_of("best_epoch")(row), accuracy_of("last_epoch")(row), worst])
    if not rows:
        return "None of the models classifies."
    header = ["dataset", "scheme", "runs", "best epoch (%)", "last epoch (%)", "hardest class at the last epoch (%)"]
    return (
        f"{markdown_table(header, rows)}\n\nOf held-out clips; README.md beside this file has all tables and figures."
    )


def limits(collection: Collection) -> Iterator[str]:
    """What a user of these models must know; last each scheme's accuracy at the middle ratio to each noise."""
    study = collection.params.studies[collection.study]
    yield f"The study: {study.note}."
    yield "A model knows only its classes: any sound, speech too, gets one of them."
    yield "It was tested on held-out folds of its own dataset, not on other recordings, rooms or devices."
    for note in protocol_notes(collection.classifying.results):
        yield f"{note}."
    if len(study.seeds) == 1:
        yield "There is one seed, so the spread over seeds is unknown."
    ratios = sorted(collection.params.evaluation.snr)
    middle = ratios[len(ratios) // 2]
    rows = collection.noise[collection.noise["snr_db"] == middle]
    for (dataset, colour), found in split(rows, ["dataset", "noise"]).items():
        means = {recipe: statistics.fmean(its["accuracy_percent"]) for recipe, its in split(found, "recipe").items()}
        left = [f"{formatted(mean)} % ({collection.scheme(recipe)})" for recipe, mean in means.items()]
        level = f"{middle:g} dB".replace("-", "−")
        yield f"Accuracy under {colour} noise at {level} on {collection.title(dataset)}: {', '.join(left)}."
