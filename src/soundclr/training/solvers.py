"""What finds a stage's classifier at once, in place of an optimiser's steps, by name; chosen as an optimiser is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from soundclr.entries import Entry
from soundclr.errors import UserError
from soundclr.params import RunSettings, StageSettings

if TYPE_CHECKING:  # params.yaml is checked without what takes long to import
    from numpy.typing import NDArray

    Array = NDArray[Any]

NEVER = -1e4  # the logit of a class that no clip to learn from is of


class LogisticRegression(Entry):
    """Multinomial logistic regression: the least of the mean cross-entropy + strength / 2 * the weights' squares.

    On features standardised by the clips to learn from; the weights found are for the features as they are. Of
    ``strengths`` the one that is right most often on the inner clips is taken, of equal ones the strongest, without any
    such clip the middle one, and all is fitted anew.
    """

    strengths: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]

    def solve(self, features: Array, labels: Array, inner: Array, classes: int) -> tuple[Array, Array]:
        """Weights (classes, features) and biases (classes,): logits are ``features @ weights.T + biases``.

        Of ``features`` (clips, features) and ``labels`` (clips,), of which ``inner`` (clips,) are true for those that
        choose the strength. UserError where those to learn from are of one class.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # the order in which threads add up would change the last digits
            chosen = sorted(self.strengths)[len(self.strengths) // 2]
            if len(self.strengths) > 1 and inner.any():
                learnt = Fit(features[~inner], labels[~inner])
                shares = {s: right(learnt.solve(s, classes), features[inner], labels[inner]) for s in self.strengths}
                chosen = max(shares, key=lambda strength: (shares[strength], strength))
            return Fit(features, labels).solve(chosen, classes)


def right(found: tuple[Array, Array], features: Array, labels: Array) -> float:
    """The share of the clips that the ``found`` weights and biases are right about."""
    weights, biases = found
    return float(((features @ weights.T + biases).argmax(axis=1) == labels).mean())


class Fit:
    """Clips' ``features`` (clips, features) and ``labels`` (clips,), to be fitted with any strength of the penalty.

    In the directions of their variance, one scale each, the problem is nearly as steep one way as another: it takes
    tens of steps, where it takes a thousand as it stands, and comes to the same weights.
    """

    def __init__(self, features: Array, labels: Array) -> None:
        import numpy as np

        self.present, self.labels = np.unique(labels, return_inverse=True)
        if len(self.present) < 2:
            raise UserError(
                "logistic regression: all clips to learn from are of one class; the dataset's folds are wrong"
            )
        self.mean, scale = features.mean(axis=0), features.std(axis=0)
        self.scale = np.where(scale > 1e-12, scale, 1)  # a feature that never differs tells nothing
        rows = (features - self.mean) / self.scale
        few = len(rows) < rows.shape[1]
        squares, vectors = np.linalg.eigh(rows @ rows.T if few else rows.T @ rows)
        kept = squares > 1e-10 * squares.max()
        self.variances = squares[kept] / len(rows)
        self.directions = rows.T @ vectors[:, kept] / np.sqrt(squares[kept]) if few else vectors[:, kept]
        self.rows = rows @ self.directions

    def solve(self, strength: float, classes: int) -> tuple[Array, Array]:
        """The weights and biases for one strength, as :meth:`LogisticRegression.solve` gives them."""
        import numpy as np
        from scipy.optimize import minimize

        among = len(self.present)
        steepness = np.sqrt(self.variances / among + strength)[:, None]
        rows, truth = self.rows / steepness.T, np.eye(among)[self.labels]

        def loss(flat: Array) -> tuple[float, Array]:
            scaled, offsets = flat[among:].reshape(-1, among), flat[:among]
            logits = rows @ scaled + offsets
            logits -= logits.max(axis=1, keepdims=True)
            total = np.exp(logits).sum(axis=1, keepdims=True)
            value = float((np.log(total) - (truth * logits).sum(axis=1, keepdims=True)).mean())
            slope = (np.exp(logits) / total - truth) / len(rows)
            shrunk = scaled / steepness**2
            value += strength / 2 * float((scaled * shrunk).sum())
            return value, np.concatenate([slope.sum(axis=0), (rows.T @ slope + strength * shrunk).ravel()])

        start = np.zeros(among * (1 + rows.shape[1]))
        options = {"maxiter": 1000, "maxfun": 2000, "gtol": 1e-6, "ftol": 1e-12}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
        weights, biases = np.zeros((classes, len(self.mean))), np.full(classes, NEVER)
        weights[self.present] = (self.directions @ (found[among:].reshape(-1, among) / steepness)).T / self.scale
        biases[self.present] = found[:among] - weights[self.present] @ self.mean
        return weights, biases


SOLVERS: dict[str, type[LogisticRegression]] = {"logistic_regression": LogisticRegression}


def check_solved(stage: StageSettings, settings: RunSettings, place: str) -> None:
    """Raise UserError, beginning with ``place``, for a stage whose solver could not do what its settings say."""
    wanted: dict[str, tuple[Any, Any]] = {
        "trains": (stage.trains, ("classifier",)),
        "loss": ([(term.name, term.weight) for term in stage.loss], [("cross_entropy", 1.0)]),
        "augment": (stage.augment, ()),
        "views": (stage.views, 1),
        "training.epochs": (stage.training.epochs, 1),
        "classifier.input": (settings.classifier.input, "encoder"),
        "classifier.layers": (settings.classifier.layers, ({"linear": "classes"},)),
    }
    said = "trains: [classifier], loss: {cross_entropy: 1.0}, augment: [], views: 1, training: {epochs: 1} and "
    for what, (found, right) in wanted.items():
        if found != right:
            raise UserError(
                f"{place}: optimizer {stage.optimizer.name} wants {said}classifier: {{layers: [linear: classes]}}, but "
                f"{what} is another"
            )
