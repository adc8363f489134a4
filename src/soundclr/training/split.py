"""Which clips a run learns from, is judged by meanwhile, and is tested on; and whose labels it may see."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.errors import UserError
from soundclr.losses import UNLABELLED
from soundclr.run.unlearnt import sentence


def split(folds: Tensor, held_out: int, count: int, inner: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The clips to train on, to choose the epoch by, and to test on, by their ``folds`` from 1 to ``count``.

    The epoch is chosen by the held-out fold itself (the papers' protocol) or, ``inner``, by the next one, which then
    trains nothing: of a publisher's split as folds 1 (test), 2 (validation) and 3 (training), the validation part.
    """
    test = folds == held_out
    chosen = folds == held_out % count + 1 if inner else test
    train, val, tested = (mask.nonzero()[:, 0] for mask in (~(chosen | test), chosen, test))
    for clips, purpose, least in ((train, "train on", 2), (val, "choose the epoch by", 1)):
        if len(clips) < least:
            found = "only one" if len(clips) else "no"
            raise UserError(
                f"fold {held_out} held out: there is {found} clip to {purpose}; the dataset's folds are wrong"
            )
    return train, val, tested


def known_labels(waveforms: Waveforms, train: Tensor, share: float) -> Tensor:
    """The labels (clips,) that may be learnt from: of each class's training clips a ``share``, -1 for the others.

    Of n clips of a class the first floor(share * n + 1/2) by the SHA-256 of their names, at least one: the same clips
    for every recipe and seed, and those of a smaller share among those of a larger one.
    """
    if share == 1:
        return waveforms.labels
    by_class = defaultdict(list)
    for clip in train.tolist():
        by_class[int(waveforms.labels[clip])].append(clip)
    labels = waveforms.labels.clone()
    labels[train] = UNLABELLED
    for label, clips in by_class.items():
        order = sorted(clips, key=lambda clip: hashlib.sha256(waveforms.clips[clip].encode()).digest())
        labels[torch.tensor(order[: max(1, int(share * len(clips) + 0.5))])] = label
    return labels


def label_warnings(labels: Tensor, train: Tensor, share: float, classes: Sequence[str], fold: int) -> Iterator[str]:
    """A line for each way in which the ``train`` clips have too little to teach ``classes``; ``fold`` is held out.

    None of a class, no class but one, one labelled clip of each; and where ``share`` of some classes' clips is less
    than half a clip, so that one is too many.
    """
    counts = torch.bincount(labels[train], minlength=len(classes))
    absent = [class_name for class_name, count in zip(classes, counts.tolist(), strict=True) if not count]
    short = counts[(counts > 0) & (share * counts < 0.5)]
    if len(absent) == len(classes) - 1:
        only = classes[int(counts.argmax())]
        yield f"all clips to learn from are of the class {only!r} where fold {fold} is held out: nothing tells it apart"
    elif absent:
        yield sentence(absent, fold)
    if len(short):
        yield (
            f"labels is {share:g}, which is no clip of {len(short)} classes, that have {int(short.min())} to "
            f"{int(short.max())} training clips: one of each is learnt from"
        )
    elif (share * counts + 0.5).int().max() <= 1:
        yield "one labelled clip of each class is learnt from: nothing tells what the clips of a class have in common"


def learnt_from(train: Tensor, known: Tensor, labels_needed: bool) -> Tensor:
    """The clips of an epoch: all of ``train`` or, where every loss needs labels, those with one, in turn, as many."""
    labelled = train[known[train] != UNLABELLED]
    if not labels_needed or len(labelled) == len(train):
        return train
    return labelled.repeat(-(-len(train) // len(labelled)))[: len(train)]
