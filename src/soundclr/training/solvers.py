"""Closed-form classifiers that replace a stage's gradient steps, by name; selected like optimisers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from soundclr.errors import UserError
from soundclr.params import RunSettings, StageSettings
from soundclr.params.entries import Entry

if TYPE_CHECKING:  # params.yaml is checked without slow imports
    from numpy.typing import NDArray

    Array = NDArray[Any]

NEVER = -1e4  # the logit of a class without training clips


class LogisticRegression(Entry):
    """scikit-learn's logistic regression: minimises mean cross-entropy + strength / 2 * squared norm of the weights.

    Features are standardised on the training clips; the returned weights apply to the original features. The strength
    is the one of ``strengths`` with the highest accuracy on the inner clips. Ties go to the strongest. Without inner
    clips it is the middle one. The final fit uses all clips.
    """

    strengths: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]

    def solve(
        self, features: Array, labels: Array, inner: Array, classes: int, balanced: bool = False
    ) -> tuple[Array, Array]:
        """Return weights (classes, features) and biases (classes,): logits are ``features @ weights.T + biases``.

        ``inner`` (clips,) is true for the clips that choose the strength. ``balanced`` gives each class the same
        weight, however many clips it has. UserError if the other clips have only one class.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # several threads would add up in varying order, which changes the last digits
            chosen = sorted(self.strengths)[len(self.strengths) // 2]
            if len(self.strengths) > 1 and inner.any():
                learnt = Fit(features[~inner], labels[~inner], balanced)
                shares = {s: right(learnt.solve(s, classes), features[inner], labels[inner]) for s in self.strengths}
                chosen = max(shares, key=lambda strength: (shares[strength], strength))
            return Fit(features, labels, balanced).solve(chosen, classes)


def right(found: tuple[Array, Array], features: Array, labels: Array) -> float:
    """The accuracy of the ``found`` weights and biases."""
    weights, biases = found
    return float(((features @ weights.T + biases).argmax(axis=1) == labels).mean())


class Fit:
    """Standardised ``features`` (clips, features) and ``labels`` (clips,), to fit with any strength."""

    def __init__(self, features: Array, labels: Array, balanced: bool = False) -> None:
        import numpy as np
        from sklearn.preprocessing import StandardScaler

        self.present, self.labels = np.unique(labels, return_inverse=True)
        if len(self.present) < 2:
            raise UserError(
                "logistic regression: all training clips have the same class; the dataset's folds are wrong"
            )
        self.class_weight = "balanced" if balanced else None
        self.scaler = StandardScaler().fit(features)
        self.rows = self.scaler.transform(features)

    def solve(self, strength: float, classes: int) -> tuple[Array, Array]:
        """Weights and biases for one strength, as :meth:`LogisticRegression.solve` returns them."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression as Model

        pair = len(self.present) == 2  # scikit-learn then penalises the difference: twice the penalty of both
        inverse = (2 if pair else 1) / (strength * len(self.rows))
        model = Model(C=inverse, class_weight=self.class_weight, max_iter=1000, tol=1e-6)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The number of unique classes")  # few clips a class are no regression
            model.fit(self.rows, self.labels)
        found, offsets = (np.array([-0.5, 0.5])[:, None] * x if pair else x for x in (model.coef_, model.intercept_))
        weights, biases = np.zeros((classes, len(self.scaler.scale_))), np.full(classes, NEVER)
        weights[self.present] = found / self.scaler.scale_
        biases[self.present] = np.ravel(offsets) - weights[self.present] @ self.scaler.mean_
        return weights, biases


SOLVERS: dict[str, type[LogisticRegression]] = {"logistic_regression": LogisticRegression}


def takes_steps(settings: RunSettings) -> bool:
    """Whether a run has a stage that trains epoch by epoch, not only stages with solvers."""
    return any(stage.optimizer.name not in SOLVERS for stage in settings.stages)


def check_solved(stage: StageSettings, settings: RunSettings, place: str) -> None:
    """Raise UserError, beginning with ``place``, for a stage whose settings its solver cannot fulfil."""
    wanted: dict[str, tuple[Any, Any]] = {
        "trains": (stage.trains, ("classifier",)),
        "loss": ([(term.name, term.weight) for term in stage.loss], [("cross_entropy", 1.0)]),
        "augment": (stage.augment, ()),
        "views": (stage.views, 1),
        "training.epochs": (stage.training.epochs, 1),
        "classifier.input": (settings.classifier.input, "encoder"),
        "classifier.layers": (settings.classifier.layers, ({"linear": "classes"},)),
    }
    required = "trains: [classifier], loss: {cross_entropy: 1.0}, augment: [], views: 1, training: {epochs: 1} and "
    for what, (found, right) in wanted.items():
        if found != right:
            raise UserError(
                f"{place}: optimizer {stage.optimizer.name} needs {required}classifier: {{layers: [linear: classes]}}, "
                f"but {what} differs"
            )
