"""What finds a stage's classifier at once, in place of an optimiser's steps, by name; chosen as an optimiser is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from soundclr.errors import UserError
from soundclr.params import RunSettings, StageSettings
from soundclr.params.entries import Entry

if TYPE_CHECKING:  # params.yaml is checked without what takes long to import
    from numpy.typing import NDArray

    Array = NDArray[Any]

NEVER = -1e4  # the logit of a class that no clip to learn from is of


class LogisticRegression(Entry):
    """scikit-learn's logistic regression: the least of the mean cross-entropy + strength / 2 * the weights' squares.

    On features standardised by the clips to learn from; the weights found are for the features as they are. Of
    ``strengths`` the one that is right most often on the inner clips is taken, of equal ones the strongest, without any
    such clip the middle one, and all is fitted anew.
    """

    strengths: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]

    def solve(
        self, features: Array, labels: Array, inner: Array, classes: int, balanced: bool = False
    ) -> tuple[Array, Array]:
        """Weights (classes, features) and biases (classes,): logits are ``features @ weights.T + biases``.

        Of ``features`` (clips, features) and ``labels`` (clips,), of which ``inner`` (clips,) are true for those that
        choose the strength. ``balanced``: each class counts as much, however many clips it has. UserError where those
        to learn from are of one class.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # the order in which threads add up would change the last digits
            chosen = sorted(self.strengths)[len(self.strengths) // 2]
            if len(self.strengths) > 1 and inner.any():
                learnt = Fit(features[~inner], labels[~inner], balanced)
                shares = {s: right(learnt.solve(s, classes), features[inner], labels[inner]) for s in self.strengths}
                chosen = max(shares, key=lambda strength: (shares[strength], strength))
            return Fit(features, labels, balanced).solve(chosen, classes)


def right(found: tuple[Array, Array], features: Array, labels: Array) -> float:
    """The share of the clips that the ``found`` weights and biases are right about."""
    weights, biases = found
    return float(((features @ weights.T + biases).argmax(axis=1) == labels).mean())


class Fit:
    """Clips' ``features`` (clips, features) and ``labels`` (clips,), to be fitted with any strength of the penalty."""

    def __init__(self, features: Array, labels: Array, balanced: bool = False) -> None:
        import numpy as np
        from sklearn.preprocessing import StandardScaler

        self.present, self.labels = np.unique(labels, return_inverse=True)
        if len(self.present) < 2:
            raise UserError(
                "logistic regression: all clips to learn from are of one class; the dataset's folds are wrong"
            )
        self.class_weight = "balanced" if balanced else None
        self.scaler = StandardScaler().fit(features)
        self.rows = self.scaler.transform(features)

    def solve(self, strength: float, classes: int) -> tuple[Array, Array]:
        """The weights and biases for one strength, as :meth:`LogisticRegression.solve` gives them."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression as Model

        pair = len(self.present) == 2  # of which scikit-learn penalises the difference, twice what the two weigh
        inverse = (2 if pair else 1) / (strength * len(self.rows))
        model = Model(C=inverse, class_weight=self.class_weight, max_iter=1000, tol=1e-6)
        model.fit(self.rows, self.labels)
        found, offsets = (np.array([-0.5, 0.5])[:, None] * x if pair else x for x in (model.coef_, model.intercept_))
        weights, biases = np.zeros((classes, len(self.scaler.scale_))), np.full(classes, NEVER)
        weights[self.present] = found / self.scaler.scale_
        biases[self.present] = np.ravel(offsets) - weights[self.present] @ self.scaler.mean_
        return weights, biases


SOLVERS: dict[str, type[LogisticRegression]] = {"logistic_regression": LogisticRegression}


def takes_steps(settings: RunSettings) -> bool:
    """Whether a run learns epoch by epoch in one of its stages; else a solver finds all of it at once."""
    return any(stage.optimizer.name not in SOLVERS for stage in settings.stages)


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
