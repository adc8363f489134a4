"""Which clips a run sees, and whose labels."""

import hashlib
from types import SimpleNamespace

import pytest
import torch

from soundclr.errors import UserError
from soundclr.training.split import known_labels, label_warnings, learnt_from, split

FOLDS = torch.tensor([1, 2, 3, 1, 2, 3, 3])


def clips(counts=(40, 20, 4)):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    return SimpleNamespace(labels=labels, clips=tuple(f"clip {number}" for number in range(len(labels))))


@pytest.mark.parametrize(
    ("held_out", "inner", "train", "val"),
    [(1, False, [1, 2, 4, 5, 6], [0, 3]), (1, True, [2, 5, 6], [1, 4]), (3, True, [1, 4], [0, 3])],
)
def test_folds(held_out, inner, train, val):
    found = split(FOLDS, held_out, 3, inner)
    assert [part.tolist() for part in found] == [train, val, (held_out == FOLDS).nonzero()[:, 0].tolist()]


@pytest.mark.parametrize(
    ("held_out", "inner", "folds"),
    [(2, False, [[1, 3, 4], [2], [2]]), (2, True, [[1, 4], [3], [2]]), (4, True, [[2, 3], [1], [4]])],
)
def test_the_folds_that_train_that_choose_and_that_are_tested(held_out, inner, folds):
    source = torch.tensor([1, 2, 3, 4, 4, 1])
    assert [source[clips].unique().tolist() for clips in split(source, held_out, 4, inner)] == folds
    with pytest.raises(UserError, match="fold 5 is held out: there is no clip to choose the epoch by"):
        split(source, 5, 6, True)


def test_a_publishers_split_is_three_folds():
    """Test, validation and training clips: fold 1 is held out, and nothing of the first two trains."""
    train, val, test = split(FOLDS, 1, 3, True)
    assert (FOLDS[train] == 3).all() and (FOLDS[val] == 2).all() and (FOLDS[test] == 1).all()


def test_one_clip_is_too_few_to_train_on():
    with pytest.raises(UserError, match="fold 1 is held out: there is only one clip to train on"):
        split(torch.tensor([1, 1, 2]), 1, 2, False)


def test_a_fold_without_clips_is_named():
    with pytest.raises(UserError, match="fold 2 is held out: there is no clip to choose the epoch by"):
        split(torch.tensor([1, 1, 2]), 2, 3, True)


def test_shares_of_labels_are_by_class_nested_and_by_the_names_hashes():
    source, train = clips(), torch.arange(64)
    chosen = {}
    for share, counts in ((1.0, [40, 20, 4]), (0.5, [20, 10, 2]), (0.1, [4, 2, 1]), (0.01, [1, 1, 1])):
        known = known_labels(source, train, share)
        labelled = (known != -1).nonzero()[:, 0]
        assert torch.bincount(known[labelled]).tolist() == counts
        assert torch.equal(known[labelled], source.labels[labelled])
        chosen[share] = set(labelled.tolist())
    assert chosen[0.01] < chosen[0.1] < chosen[0.5] < chosen[1.0]
    by_hash = sorted(range(40), key=lambda clip: hashlib.sha256(f"clip {clip}".encode()).hexdigest())
    assert chosen[0.1] & set(range(40)) == set(by_hash[:4])


@pytest.mark.parametrize(("share", "count"), [(0.01, 3), (0.1, 32), (0.25, 80), (0.0078, 2), (0.0079, 3)])
def test_a_share_is_rounded_half_up(share, count):
    """320 clips a class: 2.496 are two of them, 2.528 three, 3.2 three."""
    known = known_labels(clips((320, 320)), torch.arange(640), share)
    assert torch.bincount(known[known != -1]).tolist() == [count, count]


def test_a_share_below_half_a_clip_raises_a_warning():
    source, train = clips(), torch.arange(64)
    assert list(label_warnings(source.labels, train, 0.2, "abc", 1)) == []
    assert list(label_warnings(source.labels, train, 0.02, "abc", 1)) == [
        "labels is 0.02, less than half a clip in 2 classes with 4 to 20 training clips: one clip of each is used"
    ]


@pytest.mark.parametrize(
    ("train", "share", "said"),
    [
        (range(60), 1.0, "class 'thrush' has no clip to learn from where fold 3 is held out"),
        (range(40), 1.0, "with fold 3 held out, all training clips have the class 'robin'"),
        ([0, 40, 60], 1.0, "one labelled clip of each class is used"),
        ([0, 1, 40, 60], 0.5, "one labelled clip of each class is used"),
        ([0, 1, 40, 60], 1.0, None),
    ],
)
def test_clips_that_cannot_teach_a_class_raise_a_warning(train, share, said):
    found = list(label_warnings(clips().labels, torch.tensor(train), share, ("robin", "wren", "thrush"), 3))
    assert len(found) == (said is not None) and all(line.startswith(said) for line in found)


def test_labels_of_other_than_training_clips_are_kept():
    source, train = clips(), torch.arange(0, 64, 2)
    known = known_labels(source, train, 0.1)
    assert torch.equal(known[1::2], source.labels[1::2])
    assert 3 <= (known[train] != -1).sum() < 10


def test_an_epoch_without_labels_is_as_long_where_only_labels_teach():
    train, known = torch.arange(10), torch.full((10,), -1)
    known[[2, 5, 7]] = 1
    assert torch.equal(learnt_from(train, known, labels_needed=False), train)
    assert learnt_from(train, known, labels_needed=True).tolist() == [2, 5, 7, 2, 5, 7, 2, 5, 7, 2]
    assert torch.equal(learnt_from(train, torch.zeros(10), labels_needed=True), train)
