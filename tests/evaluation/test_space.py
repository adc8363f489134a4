"""Distances against a plain double loop; the map's shape, sameness and small cases."""

import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from soundclr.evaluation.space import distances, project


def points(clips, features=16, seed=0):
    h = np.random.default_rng(seed).standard_normal((clips, features))
    return h / np.linalg.norm(h, axis=1, keepdims=True)


def labelled(*labels):
    return np.array(labels, dtype=np.int64)


def cosine(a, b):
    return 1 - sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_against_a_plain_double_loop(scale):
    h, labels = scale * points(20), np.arange(20) % 4
    pairs = {True: [], False: []}
    for i in range(20):
        for j in range(i):
            pairs[bool(labels[i] == labels[j])].append(cosine(h[i], h[j]))
    intra, inter = (sum(pairs[same]) / len(pairs[same]) for same in (True, False))
    silhouettes = []
    for i in range(20):
        to = {c: [cosine(h[i], h[j]) for j in range(20) if labels[j] == c and j != i] for c in range(4)}
        means = {c: sum(values) / len(values) for c, values in to.items()}
        own = means.pop(labels[i])
        nearest = min(means.values())
        silhouettes.append((nearest - own) / max(nearest, own))
    found = distances(h, labels)
    assert found == pytest.approx(
        {"intra": intra, "inter": inter, "ratio": intra / inter, "silhouette": sum(silhouettes) / 20}
    )


def test_perfect_classes():
    h = np.repeat(np.eye(3), 4, axis=0)
    found = distances(h, np.repeat(np.arange(3), 4))
    assert found == pytest.approx({"intra": 0, "inter": 1, "ratio": 0, "silhouette": 1})


@pytest.mark.parametrize(
    ("labels", "undefined"),
    [
        (labelled(0), {"intra", "inter", "ratio", "silhouette"}),
        (labelled(0, 0, 0), {"inter", "ratio", "silhouette"}),
        (labelled(0, 1, 2), {"intra", "ratio", "silhouette"}),
        (labelled(0, 1, 1), set()),
    ],
)
def test_what_is_not_defined_is_none(labels, undefined):
    found = distances(points(len(labels)), labels)
    assert {key for key, value in found.items() if value is None} == undefined


def test_equal_points_and_zero_vectors():
    same = distances(np.tile([0.0, 1.0], (4, 1)), labelled(0, 0, 1, 1))
    assert same == {"intra": 0, "inter": 0, "ratio": None, "silhouette": 0}
    zero = distances(np.zeros((4, 3)), labelled(0, 0, 1, 1))
    assert zero == pytest.approx({"intra": 1, "inter": 1, "ratio": 1, "silhouette": 0})


@pytest.mark.parametrize("clips", [1, 2, 3, 4, 5, 9, 40])
def test_a_map_of_few_clips(clips):
    places = project(points(clips))
    assert places.shape == (clips, 2) and np.isfinite(places).all()


@pytest.mark.parametrize("clips", [1, 2, 12])
def test_clips_at_one_point_are_at_the_origin(clips):
    assert (project(np.tile(points(1), (clips, 1))) == 0).all()
    assert (project(np.zeros((clips, 4))) == 0).all()


def test_some_clips_at_one_point():
    h = points(9)
    h[2:7] = h[2]
    assert np.isfinite(project(h)).all()


def test_the_map_is_the_same_each_time_whatever_the_threads():
    h = points(40, 64)
    first = project(h)
    with threadpool_limits(2):
        assert np.array_equal(project(h), first)


@pytest.fixture
def begun_with(monkeypatch):
    """What t-SNE, which is left out, is given: its settings, and the rows that it begins with."""
    given = {}

    class Given:
        def __init__(self, components, **settings):
            given.update(settings, components=components)

        def fit_transform(self, rows):
            return given.update(rows=rows)

    monkeypatch.setattr("sklearn.manifold.TSNE", Given)
    return given


@pytest.mark.parametrize(
    ("clips", "perplexity"), [(2, 1), (4, 1), (5, 4 / 3), (40, 13), (90, 89 / 3), (91, 30), (200, 30)]
)
def test_the_perplexity_is_30_or_a_third_of_the_other_clips(begun_with, clips, perplexity):
    project(points(clips))
    assert begun_with["perplexity"] == pytest.approx(perplexity)
    assert (begun_with["components"], begun_with["init"], begun_with["random_state"]) == (2, "pca", 0)


@pytest.mark.parametrize(("clips", "features"), [(600, 520), (700, 64), (30, 16)])
def test_a_map_begins_with_the_directions_principal_components(begun_with, clips, features):
    """Of many clips too, where scikit-learn, unless told, would come near them only."""
    h = points(clips, features)
    project(h * np.arange(1, clips + 1)[:, None])
    left, singular, _ = np.linalg.svd(h - h.mean(0), full_matrices=False)
    expected = (left * singular)[:, :50]
    np.testing.assert_allclose(np.abs(begun_with["rows"]), np.abs(expected), rtol=0, atol=1e-9)


def test_the_map_keeps_classes_together():
    random = np.random.default_rng(0)
    h = np.repeat(np.eye(3, 16), 10, axis=0) + 0.05 * random.standard_normal((30, 16))
    places = project(h)
    nearest = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag([np.inf] * 30)
    assert (nearest.argmin(1) // 10 == np.arange(30) // 10).all()
