"""Splits a run's clips for training, validation and test, and selects the labels that it may use."""

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
    """The indices of the training, validation and test clips, given all clips' ``folds`` from 1 to ``count``.

    The validation clips, which choose the best epoch, are the held-out fold (the papers' protocol) or, with ``inner``,
    the next fold, which is then not trained on. In a published split with folds 1 (test), 2 (validation) and
    3 (training), that is the validation part.
    """
    test = folds == held_out
    chosen = folds == held_out % count + 1 if inner else test
    train, val, tested = (mask.nonzero()[:, 0] for mask in (~(chosen | test), chosen, test))
    for clips, purpose, least in ((train, "train on", 2), (val, "choose the epoch by", 1)):
        if len(clips) < least:
            found = "only one" if len(clips) else "no"
            raise UserError(
                f"fold {held_out} is held out: there is {found} clip to {purpose}; the dataset's folds are wrong"
            )
    return train, val, tested


def known_labels(waveforms: Waveforms, train: Tensor, share: float) -> Tensor:
    """All clips' labels (clips,), with -1 for training clips beyond a ``share`` of each class.

    Of a class's n training clips, the first floor(share * n + 1/2) by the SHA-256 of their names keep their label, at
    least one. They are the same for every recipe and seed, and a larger share includes those of a smaller one.
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
    """Yield a warning for each way in which the ``train`` clips cannot teach ``classes``; ``fold`` is held out.

    These are a class without clips, only one class, one labelled clip per class, and a ``share`` of a class's clips
    below half a clip, so that one clip exceeds the share.
    """
    counts = torch.bincount(labels[train], minlength=len(classes))
    absent = [class_name for class_name, count in zip(classes, counts.tolist(), strict=True) if not count]
    short = counts[(counts > 0) & (share * counts < 0.5)]
    if len(absent) == len(classes) - 1:
        only = classes[int(counts.argmax())]
        yield f"with fold {fold} held out, all training clips have the class {only!r}, so nothing can be learnt"
    elif absent:
        yield sentence(absent, fold)
    if len(short):
        yield (
            f"labels is {share:g}, less than half a clip in {len(short)} classes with {int(short.min())} to "
            f"{int(short.max())} training clips: one clip of each is used"
        )
    elif (share * counts + 0.5).int().max() <= 1:
        yield "one labelled clip of each class is used: nothing shows what the clips of a class have in common"


def learnt_from(train: Tensor, known: Tensor, labels_needed: bool) -> Tensor:
    """An epoch's clips: all of ``train`` or, if every loss needs labels, the labelled ones repeated to that number."""
    labelled = train[known[train] != UNLABELLED]
    if not labels_needed or len(labelled) == len(train):
        return train
    return labelled.repeat(-(-len(train) // len(labelled)))[: len(train)]
