"""Checks that a run's settings fit each other when params.yaml is read, not hours into a study."""

from soundclr.errors import UserError
from soundclr.params.schema import RunSettings


def check_together(settings: RunSettings, folds: int, place: str) -> None:
    """Raise UserError, beginning with ``place``, for settings of a run that cannot train on ``folds`` folds."""
    if settings.projection.input != "encoder":
        raise UserError(f"{place}: projection.input must be encoder; only the classifier's input may be the projection")
    if settings.start.run is not None and settings.start.weights != "none":
        raise UserError(f"{place}: start names weights and a run; an encoder starts from one of them")
    for key in ("dataset", "fold"):
        if getattr(settings.start, key) is not None and settings.start.run is None:
            raise UserError(f"{place}: start.{key} belongs to start.run, which is missing")
    if len(schemes := {stage.training.validation for stage in settings.stages}) > 1:
        raise UserError(
            f"{place}: training.validation is {' and '.join(sorted(schemes))}; all stages must have the same"
        )
    if "inner" in schemes and folds < 3:
        raise UserError(f"{place}: training.validation is inner, which needs 3 folds, but the dataset has {folds}")
    names = [stage.name for stage in settings.stages]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{place}: stages has the name '{repeated[0]}' twice; histories tell stages apart by name")
