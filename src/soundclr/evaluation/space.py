"""Describes the geometry of representations: distances within and between classes, and a two-dimensional map."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SAME = 1e-6  # representations that differ by less in every feature count as one point


def distances(representations: Array, labels: NDArray[np.int64]) -> dict[str, float | None]:
    """Mean cosine distances within and between classes, and the mean silhouette.

    Args:
        representations: (clips, features); a zero vector has distance 1 to all others.
        labels: (clips,).

    Returns:
        ``intra``, over pairs in one class; ``inter``, over pairs in different classes; ``ratio``, intra over inter,
        small for compact, well separated classes; ``silhouette``, with the same distances, from -1 to 1. None for
        values that are not defined: without such pairs, or if all clips or none share a class.
    """
    from sklearn.metrics import silhouette_score  # not above: it takes a second to import

    lengths = np.linalg.norm(representations, axis=1, keepdims=True)
    directions = representations / np.where(lengths > 0, lengths, 1)
    matrix = np.clip(1 - directions @ directions.T, 0, 2)
    np.fill_diagonal(matrix, 0)
    pairs = np.triu_indices(len(labels), 1)
    same = labels[pairs[0]] == labels[pairs[1]]
    intra, inter = mean(matrix[pairs][same]), mean(matrix[pairs][~same])
    defined = 1 < len(np.unique(labels)) < len(labels)
    return {
        "intra": intra,
        "inter": inter,
        "ratio": intra / inter if intra is not None and inter else None,
        "silhouette": float(silhouette_score(matrix, labels, metric="precomputed")) if defined else None,
    }


def mean(values: Array) -> float | None:
    """The mean, or None without values."""
    return float(values.mean()) if len(values) else None


COMPONENTS = 50  # principal components that t-SNE gets


def project(representations: Array) -> Array:
    """Map ``representations`` (clips, features) to (clips, 2) by t-SNE on 50 principal components of their directions.

    Directions have length 1, so their distances order pairs of clips as cosine distances do. The result is
    reproducible: the random state is fixed, and one thread is used, since the order in which threads add up changes the
    result. The perplexity is 30, or with less than 91 clips a third of the other clips, at least 1. If all clips are
    one point, it is at the origin.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    clips = len(representations)
    if np.ptp(representations, axis=0).max() < SAME:  # t-SNE would divide by their spread
        return np.zeros((clips, 2))
    perplexity = max(1.0, min(30.0, (clips - 1) / 3))
    with threadpool_limits(1):
        components = PCA(min(COMPONENTS, *representations.shape), svd_solver="full", random_state=0)
        rows = components.fit_transform(normalize(representations))
        return TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(rows)
