"""A closed-form linear probe: how well a linear function separates the classes in a representation."""

from torch import Tensor


def probe_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """The accuracy on ``test`` (clips, features) of a ridge classifier fitted to ``train``.

    Features are standardised on ``train``. Of the penalties 10^-2 ... 10^5, the one with the smallest leave-one-out
    error is used. The result is deterministic.
    """
    import numpy as np
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-2, 5, 8)))
    probe.fit(train.double().numpy(), train_labels.numpy())
    return float(probe.score(test.double().numpy(), test_labels.numpy()))
