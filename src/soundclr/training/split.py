"""Which clips a run learns from, is judged by meanwhile, and is tested on; and whose labels it may see."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.errors import UserError
from soundclr.losses import UNLABELLED


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


def label_warnings(labels: Tensor, train: Tensor, share: float) -> Iterator[str]:
    """A line where ``share`` of some classes' ``train`` clips is less than half a clip, so that one is too many."""
    counts = torch.bincount(labels[train])
    short = counts[(counts > 0) & (share * counts < 0.5)]
    if len(short):
        yield (
            f"labels is {share:g}, which is no clip of {len(short)} classes, that have {int(short.min())} to "
            f"{int(short.max())} training clips: one of each is learnt from"
        )


def learnt_from(train: Tensor, known: Tensor, labels_needed: bool) -> Tensor:
    """The clips of an epoch: all of ``train`` or, where every loss needs labels, those with one, in turn, as many."""
    labelled = train[known[train] != UNLABELLED]
    if not labels_needed or len(labelled) == len(train):
        return train
    return labelled.repeat(-(-len(train) // len(labelled)))[: len(train)]
