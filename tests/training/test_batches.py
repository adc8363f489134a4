"""Batches: every clip once, in an order that the seed decides and nothing else."""

from itertools import chain

import pytest
import torch

from soundclr.machine.randomness import generator, seed_of
from soundclr.training.batches import batch_count, shuffled

CLIPS = torch.arange(100, 123)


def batches(*seed, size=5):
    return [batch.tolist() for batch in shuffled(CLIPS, size, generator(*seed))]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(5, [5, 5, 5, 5, 3]), (7, [7, 7, 7, 2]), (22, [23]), (11, [11, 12]), (2, [2] * 10 + [3]), (23, [23]), (999, [23])],
)
def test_every_clip_once_and_the_smaller_last_batch_kept_unless_it_is_one_clip(size, sizes):
    found = batches(0, size=size)
    assert sorted(chain.from_iterable(found)) == CLIPS.tolist()
    assert [len(batch) for batch in found] == sizes
    assert batch_count(len(CLIPS), size) == len(sizes)


def test_the_seed_decides_the_order_whatever_was_drawn_elsewhere():
    torch.manual_seed(1)
    first = batches(0, 1, "joint", 7)
    torch.manual_seed(2)
    torch.rand(10)
    assert batches(0, 1, "joint", 7) == first
    assert list(chain.from_iterable(first)) != CLIPS.tolist()


@pytest.mark.parametrize("other", [(1, 1, "joint", 7), (0, 2, "joint", 7), (0, 1, "classifier", 7), (0, 1, "joint", 8)])
def test_seed_fold_stage_and_epoch_each_change_the_order(other):
    assert batches(*other) != batches(0, 1, "joint", 7)


def test_seeds_do_not_run_into_one_another():
    seeds = {seed_of(*parts) for parts in [(1, 23), (12, 3), (123,), ("1", 23), ("1, 23",), (1, "23")]}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_in_every_process_and_version():
    assert seed_of(0, 1, "joint", 0) == 4939884543175642805
