"""A mistake in params.yaml is one line that names it."""

import pytest

from soundclr.errors import UserError
from soundclr.method import load_checked
from support.real_params import CONTENT, TEXT, changed

MASKS = "augmentations.frequency_mask"
STAGE = {"name": "joint", "trains": ["encoder", "classifier"]}
PRETRAIN = {"name": "pretrain", "trains": ["encoder", "projection"], "training": {"monitor": "loss"}}
GRID = {
    "name": "g_{a}",
    "title": "grid {a}",
    "values": {"x": {"title": "X", "settings": {}}},
    "products": [{"a": ["x"]}],
}
MISTAKES = {
    # mistyped keys: the key, and the one that was meant
    "top level": ("recipies", {}, "recipies", "recipes"),
    "include": ("includes", ["a.yaml"], "params.yaml: includes: 'includes'", "did you mean 'include'"),
    "defaults": ("defaults.training.epoch", 3, "params.yaml: defaults.training.epoch: 'epoch'", "epochs"),
    "defaults block": ("defaults.augmnt", [], "params.yaml: defaults.augmnt: 'augmnt'", "augment"),
    "defaults entries": ("defaults.encodrs", {}, "params.yaml: defaults.encodrs: 'encodrs'", "encoders"),
    "defaults value": ("defaults.loss.supcon", -2, "params.yaml: defaults.", "found -2"),
    "defaults stage": ("defaults.stages.0.los", {"supcon": 1}, "params.yaml: defaults.stages.0.los: ", "loss"),
    "defaults encoder": ("defaults.encoder", "resnet5", "params.yaml: defaults: 'resnet5'", "resnet50"),
    "defaults weights": ("defaults.start.weights", "imagenet", "weights in ", "params.yaml: defaults"),
    "dataset": ("datasets.esc10.clases", 10, "clases", "classes"),
    "dataset of a key's name": ("datasets.settings", CONTENT["datasets"]["demo"] | {"clases": 10}, "clases", "classes"),
    "weights": ("weights.imagenet_pqf.titel", "x", "titel", "title"),
    "weights file": ("weights.imagenet_pqf.files.resnet50.sha", "0" * 64, "sha", "sha256"),
    "recipe": ("recipes.hybrid.setings", {}, "setings", "settings"),
    "recipe settings": (
        "recipes.hybrid.settings.loss.supcn",
        0.5,
        "unknown loss (defaults.losses lists them) in ",
        "/params.yaml: recipes.hybrid.settings.loss: 'supcn'; did you mean 'supcon'?",
    ),
    "recipe block": ("recipes.hybrid.settings.los", {}, "los", "loss"),
    "recipe on a dataset": ("recipes.hybrid.datasets.esc10", {"trainig": {}}, "trainig", "training"),
    "study": ("studies.esc10.recipies", ["hybrid"], "recipies", "recipes"),
    "study settings": ("studies.esc10.settings.encoders.resnet18", {"freeze": 3}, "freeze", "frozen"),
    "stage": ("recipes.hybrid.settings.stages", [{**STAGE, "trainning": {}}], "trainning", "training"),
    "stage loss": ("recipes.hybrid.settings.stages", [{**STAGE, "loss": {"supcn": 1}}], "supcn", "supcon"),
    "stage training": ("defaults.stages", [{**STAGE, "training": {"epoch": 1}}], "epoch", "epochs"),
    "a run's key in a stage": (
        "defaults.stages",
        [{**STAGE, "encoder": "small"}],
        "stages.0.encoder: 'encoder'",
        "known: ",
    ),
    "synthetic": ("datasets.demo.synthetic.clip_per_fold", 4, "clip_per_fold", "clips_per_fold"),
    "start": ("recipes.hybrid.settings.start", {"weight": "none"}, "weight", "weights"),
    "head": ("defaults.classifier.layer", [], "defaults.classifier.layer: 'layer'", "layers"),
    # unknown names
    "default study": ("study", "papr", "papr", "paper"),
    "study's recipe": ("studies.esc10.recipes", ["hybird"], "hybird", "hybrid"),
    "a name like no other of many": ("studies.esc10.recipes", ["zzz"], "'zzz'; known: cross_entropy, ", " more"),
    "study's dataset": ("studies.esc10.datasets", ["esc01"], "esc01", "esc10"),
    "recipe's dataset": (
        "recipes.hybrid.datasets",
        {"esc01": {}},
        "params.yaml: recipes.hybrid.datasets: 'esc01'",
        "esc10",
    ),
    "weights of a recipe": (
        "recipes.hybrid.settings.start",
        {"weights": "imagenet_pfq"},
        "imagenet_pfq",
        "imagenet_pqf",
    ),
    "encoder that the weights lack": (
        "studies.esc10.settings.encoder",
        "small",
        "encoder with weights 'imagenet_pqf' in esc10/esc10/cross_entropy: 'small'",
        "resnet18",
    ),
    "fold": ("studies.esc10.folds", [5, 6], "6", "1, 2, 3, 4, 5"),
    # entries: unknown, and parameters that do not fit, wherever they stand
    "augmentation": ("defaults.augment", ["scale", "time_msk"], "time_msk", "time_mask"),
    "augmentation of a study": ("studies.esc10.settings.augment", ["scle"], "augment in esc10/esc10/", "scale"),
    "augmentation of a recipe": ("recipes.hybrid.settings.augment", ["scle"], "hybrid: stage 'joint': 'scle'", "scale"),
    "augmentation of a stage": ("defaults.stages", [{**STAGE, "augment": ["scle"]}], "stage 'joint': 'scle'", "scale"),
    "augmentation that does not exist": ("defaults.augmentations.noise", {}, "augmentation in ", "'noise'"),
    "mistyped parameter that a study changes": (
        "defaults.representations.log_mel",
        {"hop_lenght": 512},
        "params.yaml: defaults.representations.log_mel.hop_lenght",
        "hop_length",
    ),
    "entry without parameters": ("defaults.encoders.small", None, "defaults.encoders.small.frozen", "is missing"),
    "representation": ("defaults.representation", "log_mell", "log_mell", "log_mel"),
    "representation that does not exist": ("defaults.representations.mfcc", {}, "representation in ", "'mfcc'"),
    "loss": ("defaults.loss.suppcon", 1, "suppcon", "supcon"),
    "loss that does not exist": ("defaults.losses.triplet", {}, "loss in ", "'triplet'"),
    "optimizer": ("defaults.optimizer", "adamv", "adamv", "adamw"),
    "schedule": ("defaults.schedule", "cosin", "cosin", "cosine"),
    "parameter of the defaults": (f"defaults.{MASKS}.count", -1, "defaults.augmentations.frequency_mask.count", "-1"),
    "parameter of a study": (f"studies.esc10.settings.{MASKS}", {"widt": 3}, "widt", "width"),
    "parameter of a recipe": (
        f"recipes.cross_entropy.settings.{MASKS}.width",
        -1,
        "params.yaml: recipes.cross_entropy.settings.augmentations.frequency_mask.width: Input should be",
        "-1",
    ),
    "parameter of a study's entry": (
        "studies.demo.settings.representations.log_mel.n_mels",
        -1,
        "params.yaml: studies.demo.settings.representations.log_mel.n_mels: Input should be",
        "-1",
    ),
    "parameter of a recipe on a dataset": (
        "recipes.cross_entropy.datasets",
        {"esc10": {"encoders": {"resnet18": {"frozen": -1}}}},
        "params.yaml: recipes.cross_entropy.datasets.esc10.encoders.resnet18.frozen: Input should be",
        "-1",
    ),
    "parameter of a stage": (
        "recipes.hybrid.settings.stages",
        [{**STAGE, "losses": {"supcon": {"temperature": 0}}}],
        "stage 'joint': loss supcon: temperature",
        "0",
    ),
    "parameter of a stage's schedule": (
        "defaults.stages",
        [{**STAGE, "schedules": {"exponential": {"warmup": 1}}}],
        "stage 'joint': schedule exponential: warmup",
        "1",
    ),
    "parameter of no entry": (
        "defaults.stages",
        [{**STAGE, "losses": {"supcon": {"temprature": 1}}}],
        "temprature",
        "temperature",
    ),
    "list for a mapping": (
        "recipes.hybrid.settings.augmentations",
        ["scale"],
        "recipes.hybrid.settings.augmentations",
        "['scale']",
    ),
    "list for a stage's mapping": (
        "defaults.stages",
        [{**STAGE, "augmentations": ["scale"]}],
        "augmentations",
        "['scale']",
    ),
    "list for an entry": ("recipes.hybrid.settings.representations", {"log_mel": []}, "representations.log_mel", "[]"),
    "list for the entries": ("defaults.losses", ["supcon"], "defaults.losses", "['supcon']"),
    "mapping for a list": ("recipes.hybrid.settings.augment", {"scale": 1}, "augment", "scale"),
    "mapping for a name": ("recipes.hybrid.settings.encoder", {"name": "resnet18"}, "encoder", "resnet18"),
    "name for a mapping": ("recipes.hybrid.settings.loss", "supcon", "recipes.hybrid.settings.loss", "'supcon'"),
    "weight that is text": (
        "recipes.hybrid.settings.loss",
        {"supcon": "much"},
        "params.yaml: recipes.hybrid.settings.loss.supcon: Input should be a number",
        "'much'",
    ),
    "no loss": (
        "recipes.hybrid.settings.loss",
        {"cross_entropy": 0, "supcon": 0},
        "hybrid.settings.loss: Input should have",
        "[]",
    ),
    # heads
    "head's layer": ("defaults.classifier.layers", ["normalize", {"linear": "classes"}], "normalize", "normalise"),
    "head's size": ("defaults.projection.layers", [{"linear": 0}], "projection: linear needs", "0"),
    "head's size that is too large": (
        "defaults.projection.layers",
        [{"linear": 65_537}],
        "projection: linear needs",
        "65537",
    ),
    "head's size in words": (
        "defaults.projection.layers",
        [{"linear": "clases"}],
        "projection: linear needs",
        "'clases'",
    ),
    "head's layer without a size": ("defaults.projection.layers", ["linear"], "projection: linear needs", "None"),
    "head's layer with a size": (
        "defaults.projection.layers",
        [{"relu": 3}],
        "projection: relu takes no argument",
        "3",
    ),
    "head's dropout": ("defaults.projection.layers", [{"dropout": 1}], "projection: dropout needs a share", "1"),
    "head's dropout in words": (
        "defaults.projection.layers",
        [{"dropout": "half"}],
        "projection: dropout needs a share",
        "'half'",
    ),
    "head's layer of two": (
        "defaults.projection.layers",
        [{"linear": 1, "relu": 2}],
        "projection.layers.0",
        "a layer's name",
    ),
    "head that is a list": ("defaults.projection", ["relu"], "projection", "['relu']"),
    "head's input": ("defaults.classifier.input", "decoder", "classifier.input", "decoder"),
    "projection on itself": (
        "defaults.projection.input",
        "projection",
        "projection.input must be encoder",
        "classifier",
    ),
    "classifier that has no classes": (
        "defaults.classifier.layers",
        ["normalise", {"linear": 64}],
        "classifier",
        "classes",
    ),
    # values that do not fit: the place, and the value
    "text for a number": ("defaults.training.epochs", "many", "training.epochs", "many"),
    "fraction for a number": ("defaults.training.epochs", 1.5, "training.epochs", "1.5"),
    "number for a block": ("recipes.hybrid.settings.loss", 0.5, "recipes.hybrid.settings.loss", "0.5"),
    "number for a list": ("studies.esc10.seeds", 0, "studies.esc10.seeds", "0"),
    "list for a block": ("studies.esc10", [1], "studies.esc10", "[1]"),
    "truth value for a number": ("defaults.training.epochs", True, "training.epochs", "True"),
    "truth value for a fraction": ("defaults.optimizers.adamw.weight_decay", False, "adamw.weight_decay", "False"),
    "truth value for a choice": ("defaults.representations.log_mel.channels", True, "log_mel.channels", "True"),
    "truth value in a list": ("studies.esc10.seeds", [0, True], "studies.esc10.seeds", "True"),
    "nothing": ("defaults.representations.log_mel.hop_length", None, "log_mel.hop_length", "is missing"),
    "too large": ("recipes.hybrid.settings.labels", 1.5, "recipes.hybrid.settings.labels: ", "1.5"),
    "too small": ("defaults.training.batch_size", 1, "training.batch_size", "1"),
    "zero": ("defaults.losses.supcon.temperature", 0, "losses.supcon.temperature", "0"),
    "no labels": ("defaults.labels", 0, "defaults.labels", "0"),
    "no views": ("defaults.views", 0, "views", "0"),
    "negative": ("defaults.encoders.resnet50.frozen", -1, "encoders.resnet50.frozen", "-1"),
    "negative seed": ("studies.esc10.seeds", [0, -1], "studies.esc10.seeds.1", "-1"),
    "not a number": ("defaults.training.lr", float("nan"), "training.lr", "nan"),
    "infinite": ("defaults.training.head_factor", float("inf"), "training.head_factor", "inf"),
    "unknown choice": ("defaults.representations.log_mel.window", "hanning", "log_mel.window", "hanning"),
    "unknown precision": ("defaults.training.precision", "half", "training.precision", "half"),
    "unknown part": ("defaults.stages", [{**STAGE, "trains": ["decoder"]}], "trains.0", "decoder"),
    "a name for a block": (
        "studies.demo.settings.augmentations",
        "none",
        "settings.augmentations",
        "a mapping with keys such as scale, ",
    ),
    "a stage's mistake": (
        "recipes.supervised_contrastive.settings.stages",
        [{"name": "joint", "trains": ["encoder"], "loss": {"cross_entropy": []}}],
        "params.yaml: recipes.supervised_contrastive.settings.stages: stage 'joint'.loss.cross_entropy",
        "expected one value like 1.0, found []",
    ),
    "no rate": ("datasets.esc10.sample_rate", 0, "esc10.pixels", "sounds have sample_rate and samples above 0"),
    "no length": ("datasets.esc10.samples", 0, "esc10.pixels", "sounds have sample_rate and samples above 0"),
    "sounds as pictures": ("datasets.esc10.pixels", 64, "esc10.pixels", "not be there beside sample_rate or samples"),
    "no choice": ("defaults.encoder", None, "params.yaml: defaults", "nothing; known: resnet18"),
    "text for clips": ("datasets.esc10.clips", "many", "esc10.clips: Input should be a whole number", "'many'"),
    "text for a fold's clips": ("datasets.esc10.clips", [1, "x", 1, 1, 1], "datasets.esc10.clips", "a whole number"),
    "list for synthetic": ("datasets.demo.synthetic", [1], "demo.synthetic: Input should be a mapping", "[1]"),
    "number for a title": ("datasets.demo.title", 3, "demo.title: Input should be text", "3"),
    "a study without a note": ("studies.mine", {"title": "x"}, "studies.mine.note: is missing", "missing"),
    "a dataset's share": ("recipes.hybrid.datasets.us8k.labels", 2, "hybrid.datasets.us8k.labels: Input", "2"),
    "a study's rate": ("studies.esc10.settings.training.lr", 0, "studies.esc10.settings.training.lr: Input", "0"),
    "a stage's rate": (
        "recipes.hybrid.settings.stages",
        [{**STAGE, "training": {"lr": 0}}],
        "recipes.hybrid.settings.stages.0.training.lr: Input should be greater than 0",
        "found 0",
    ),
    "a stage's weights": (
        "recipes.hybrid.settings.stages",
        [{**STAGE, "loss": {"supcon": -1}}],
        "recipes.hybrid.settings.stages.0.loss.supcon: Input should be greater than 0",
        "found -1",
    ),
    "a grid's rate": (
        "grids.masks.values.f0.settings",
        {"training": {"lr": 0}},
        "grids.masks.masks_f0_t0.settings.training.lr: Input should be greater than 0",
        "found 0",
    ),
    "no stages": ("defaults.stages", [], "stages", "[]"),
    "no recipes": ("studies.esc10.recipes", [], "studies.esc10.recipes", "[]"),
    "a title of two lines": ("datasets.esc10.title", "ESC-10\n\n.. include:: /etc/passwd", "esc10.title", "one line"),
    "a title that does not print": ("studies.esc10.title", "a\x1b[31mb", "esc10.title", "one line"),
    "a note of spaces": ("studies.esc10.note", "  \n", "esc10.note", "one line"),
    "a name with a dash": (
        "recipes",
        {"hy-brid": {"title": "x"}},
        "recipes.hy-brid: Input should be a name",
        "hy-brid",
    ),
    "a weights hash that is none": (
        "weights.imagenet_pqf.files.resnet50",
        {"file": "x", "sha256": "xyz"},
        "weights.imagenet_pqf.files.resnet50.sha256",
        "xyz",
    ),
    "stages that are no list": ("defaults.stages", 5, "stages", "5"),
    "a stage that is no block": ("defaults.stages", ["joint"], "stages.0", "joint"),
    "a stage's loss that is no block": ("defaults.stages", [{**STAGE, "loss": 5}], "stage 'joint'.loss", "5"),
    "more folds than can be listed": (
        "datasets.demo.folds",
        10**30,
        "datasets.demo.folds",
        "less than or equal to 1000",
    ),
    # what a run starts from
    "start with weights and a run": (
        "recipes.hybrid.settings.start",
        {"run": "cross_entropy"},
        "start names weights and a run",
        "one of them",
    ),
    "start from an unknown run": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "cros_entropy"},
        "recipe in ",
        "did you mean 'cross_entropy'",
    ),
    "start on an unknown dataset": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "cross_entropy", "dataset": "esc01"},
        "esc01",
        "esc10",
    ),
    "start's dataset without a run": (
        "recipes.hybrid.settings.start",
        {"dataset": "esc50"},
        "start.dataset",
        "start.run",
    ),
    "start from itself": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "hybrid"},
        "starts from its own run",
        "hybrid",
    ),
    "start from a run that lacks the fold": (
        "recipes.hybrid.datasets.us8k.start",
        {"weights": "none", "run": "cross_entropy", "dataset": "esc50"},
        "fold",
        "1, 2, 3, 4, 5",
    ),
    "start from another encoder": (
        "recipes",
        {
            **CONTENT["recipes"],
            "hybrid": {"title": "x", "settings": {"start": {"weights": "none", "run": "alpha_001"}}},
            "alpha_001": {"title": "y", "settings": {"encoder": "small", "start": {"weights": "none"}}},
        },
        "starts from",
        "encoder small",
    ),
    # recipes and grids
    "base that does not exist": (
        "recipes.hybrid.base",
        "cros_entropy",
        "params.yaml: recipes.hybrid.base",
        "cross_entropy",
    ),
    "base of itself": ("recipes.hybrid.base", "hybrid", "recipes.hybrid: builds on itself", "hybrid"),
    "bases in a circle": ("recipes.cross_entropy.base", "hybrid", "builds on itself, through ", "hybrid"),
    "base that is a grid": ("recipes.hybrid.base", "masks", "params.yaml: recipes.hybrid.base", "masks"),
    "grid's key": ("grids.masks.product", [], "product", "products"),
    "grid's value": (
        "grids.masks.products",
        [{"bands": ["f9"], "frames": ["t0"]}],
        "yaml: grids.masks: 'f9'",
        "f",
    ),
    "grid's name without a place": ("grids.masks.name", "masks_{bands}", "grids.masks", "a place for each axis"),
    "grid's title without a place": ("grids.masks.title", "masks", "grids.masks", "a place for each axis"),
    "grid's place without an axis": (
        "grids.masks.name",
        "masks_{bands}_{frams}",
        "grids.masks",
        "a place for each axis",
    ),
    "grid's broken place": ("grids.masks.name", "masks_{bands_{frames}", "grids.masks", "a place for each axis"),
    "grid's place with a format": (
        "grids.masks.name",
        "masks_{bands.real}_{frames}",
        "grids.masks",
        "a place for each axis",
    ),
    "grid's name that is no name": ("grids.masks.name", "Masks {bands} {frames}", "grids.masks", "Masks f0 t0"),
    "grid's name that is taken": (
        "grids.g",
        {**GRID, "name": "hybri{a}", "values": {"d": {"title": "d", "settings": {}}}, "products": [{"a": ["d"]}]},
        "grids.g: hybrid",
        "already a recipe's name",
    ),
    "grid that is called as a recipe": ("grids.hybrid", GRID, "grids.hybrid: hybrid", "already a recipe's name"),
    "grid's base": ("grids.masks.base", "cros_entropy", "recipe in ", "cross_entropy"),
    "grid of 25 billion recipes": (
        "grids.masks.products",
        [{f"axis{number}": ["f0"] * 20 for number in range(8)}],
        "grids.masks.products: has 25,600,000,000 recipes",
        "a grid may have at most 10,000",
    ),
    "runs without end": ("studies.esc10.seeds", list(range(20_000)), "studies.esc10: has ", "runs; a choice may have"),
    "grid's setting": ("grids.masks.values.f0.settings", {"augmentation": {}}, "augmentation", "augmentations"),
    "grid's setting no mapping": ("grids.masks.values.f0.settings", [1], "grids.masks.values.f0.settings", "[1]"),
    "grid without products": ("grids.masks.products", [], "grids.masks.products", "[]"),
    "grid with an empty product": ("grids.masks.products", [{}], "grids.masks.products.0", "at least 1"),
    "grid with an empty list": (
        "grids.masks.products",
        [{"bands": [], "frames": ["t0"]}],
        "grids.masks.products.0.bands",
        "at least 1",
    ),
    "grid's value twice": (
        "grids.masks.products",
        [{"bands": ["f0", "f0"], "frames": ["t0"]}],
        "grids.masks.products: bands has f0 more than once",
        "masks",
    ),
    "a list left empty": ("studies.esc10.seeds", None, "studies.esc10.seeds", "found nothing"),
    "a weights file in another folder": (
        "weights.imagenet_pqf.files.resnet50.file",
        "../x.pth",
        "files.resnet50.file: Input should match",
        "'../x.pth'",
    ),
    "grid's equal that it has not": ("grids.masks.equals", {"masks_f9_t9": "hybrid"}, "grids.masks.equals", "masks_f"),
    "grid's equal that is no recipe": ("grids.masks.equals", {"masks_f0_t0": "hybird"}, "grids.masks.equals", "hybrid"),
    "grid's equal that is another": (
        "grids.masks.equals",
        {"masks_f0_t0": "cross_entropy"},
        "grids.masks.equals",
        "masks_f0_t0",
    ),
    # numbers that would overflow, fill the disk or take all memory
    **{
        f"too large {path}": (path, value, path.removeprefix("defaults."), "less than or equal to")
        for path, value in {
            "defaults.training.batch_size": 10**30,
            "defaults.training.epochs": 10**30,
            "defaults.training.patience": 10**30,
            "defaults.views": 10**30,
            "defaults.representations.log_mel.n_fft": 10**12,
            "defaults.representations.log_mel.hop_length": 10**30,
            "defaults.representations.log_mel.n_mels": 10**9,
            "defaults.representations.log_mel.channels": 10**9,
            "defaults.encoders.resnet50.frozen": 10**30,
            "defaults.augmentations.frequency_mask.count": 10**9,
            "defaults.augmentations.time_mask.count": 10**9,
            "defaults.augmentations.frequency_mask.width": 10**30,
            "defaults.augmentations.time_mask.width": 10**30,
            "defaults.augmentations.scale.factor": 10**30,
            "datasets.demo.sample_rate": 2**31 - 1,
            "datasets.demo.samples": 10**12,
            "datasets.demo.clips": 10**30,
            "datasets.demo.classes": 10**9,
            "datasets.demo.synthetic.clips_per_fold": 10**9,
            "datasets.demo.synthetic.seed": 10**30,
            "evaluation.seed": 10**30,
            "revision": 10**30,
        }.items()
    },
    "a head too large": ("defaults.projection.layers", [{"linear": 10**12}], "projection: linear needs", str(10**12)),
    "a seed too large": ("studies.esc10.seeds", [10**30], "studies.esc10.seeds.0", "less than or equal to"),
    "a rate too small": ("datasets.demo.sample_rate", 3, "datasets.demo.sample_rate", "greater than or equal to 1000"),
    "a held-out fold that is none": ("datasets.esc10.held_out", [1, 6], "datasets.esc10.held_out", "from 1 to 5"),
    "no held-out fold": ("datasets.esc10.held_out", [], "datasets.esc10.held_out", "[]"),
    "a held-out fold twice": ("datasets.esc10.held_out", [1, 1], "datasets.esc10.held_out", "each once"),
    # artefacts of a study, and evaluation
    "artefact's key": ("studies.paper.artefacts.table1.recipies", ["hybrid"], "recipies", "recipes"),
    "artefact's recipe": (
        "studies.paper.artefacts.table1.recipes",
        ["hybird"],
        "studies.paper.artefacts.table1.recipes",
        "hybrid",
    ),
    "artefact's dataset that the study has not": (
        "studies.demo.artefacts.table2.datasets",
        ["esc50"],
        "studies.demo.artefacts.table2.datasets",
        "demo",
    ),
    "artefact's fold": ("studies.demo.artefacts.table2.folds", [6], "artefacts.table2.folds", "1, 2, 3, 4, 5"),
    "artefact's seed": ("studies.demo.artefacts.table2.seeds", [-1], "artefacts.table2.seeds.0", "-1"),
    "artefact's seed twice": (
        "studies.demo.artefacts.table2.seeds",
        [1, 1],
        "artefacts.table2.seeds",
        "more than once",
    ),
    "artefact that is no block": ("studies.demo.artefacts.table2", ["hybrid"], "artefacts.table2", "['hybrid']"),
    "what is evaluated": (
        "studies.esc10.evaluate",
        {"recipes": ["hybird"]},
        "studies.esc10.evaluate.recipes",
        "hybrid",
    ),
    "evaluate's key": ("studies.esc10.evaluate", {"recipies": ["hybrid"]}, "recipies", "recipes"),
    "evaluation's key": ("evaluation.sigma", [0.1], "sigma", "sigmas"),
    "no noise": ("evaluation.noises", [], "evaluation.noises", "[]"),
    "noise of another colour": ("evaluation.noises", ["brown"], "evaluation.noises.0", "brown"),
    "noise past full scale": ("evaluation.sigmas", [0.1, 2], "evaluation.sigmas.1", "2"),
    "an infinite ratio": ("evaluation.snr", [float("inf")], "evaluation.snr.0", "inf"),
    "a ratio twice": ("evaluation.snr", [10, 5, 5.0], "evaluation.snr: 5", "is listed more than once"),
    "a deviation twice": ("evaluation.sigmas", [0, 0.0], "evaluation.sigmas: 0", "is listed more than once"),
    "a colour twice": ("evaluation.noises", ["pink", "pink"], "evaluation.noises: pink", "more than once"),
    "evaluation's negative seed": ("evaluation.seed", -1, "evaluation.seed", "-1"),
    "a block that is no block": ("defaults.training", 5, "training", "5"),
}


@pytest.mark.parametrize(("path", "value", "what", "hint"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_that_names_it(loaded, path, value, what, hint):
    with pytest.raises(UserError) as error:
        loaded(changed((path, value)))
    message = str(error.value)
    assert "\n" not in message
    assert what in message and hint in message, message


@pytest.mark.parametrize(
    "path",
    [
        "study",
        "revision",
        "defaults",
        "studies",
        "studies.esc10.title",
        "defaults.training",
        "defaults.encoders",
        "defaults.loss",
    ],
)
def test_a_missing_key_is_named(loaded, path):
    content = changed()
    block = content
    *parents, last = path.split(".")
    for key in parents:
        block = block[key]
    del block[last]
    with pytest.raises(UserError, match=last) as error:
        loaded(content)
    assert "\n" not in str(error.value)


def test_what_no_study_uses_is_refused_when_it_is_used(loaded):
    params = loaded(changed(("recipes.spare", {"title": "x", "settings": {"start": {"weights": "imagenet"}}})))
    with pytest.raises(UserError, match="'imagenet'; did you mean"):
        params.resolve("esc10", "esc10", "spare")


@pytest.mark.parametrize("key", ["seeds: [0]", "recipes: [cross_entropy,"])
def test_repeated_values_in_a_study_are_named(tmp_path, key):
    """Twice the same seed would be the same run planned twice."""
    name, first = key.rstrip(",").split(": [")
    text = TEXT
    twice = f"{name}: [{first.rstrip(']')}, {first.rstrip(']')}" + ("]" if key.endswith("]") else ",")
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(key, twice, 1))
    with pytest.raises(UserError, match=rf"{name}: .*{first.rstrip(']')}.* is listed more than once"):
        load_checked(path)
