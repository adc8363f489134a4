"""What settings must be together, each of them being valid: said when params.yaml is read, not hours into a study."""

from typing import TYPE_CHECKING

from soundclr.errors import UserError

if TYPE_CHECKING:
    from soundclr.params import RunSettings, StageSettings

LARGEST = 2**30  # numbers in a batch of spectrograms; the paper's has 28 million

# Encoders and how many blocks each has to freeze: known here, so that no one waits for torch to be told of a mistake.
ENCODER_BLOCKS = {"resnet18": 5, "resnet50": 5, "small": 4}


def check_coherence(settings: "RunSettings", folds: int, place: str) -> None:
    """Raise UserError, beginning with ``place``, for settings of a run that cannot train on ``folds`` folds."""
    encoder = settings.encoder
    blocks = ENCODER_BLOCKS[encoder.name]
    if encoder.frozen > blocks:
        raise UserError(f"{place}: encoder.frozen is {encoder.frozen}, but {encoder.name} has {blocks} blocks")
    for stage in settings.stages:
        check_something_learns(stage, encoder.frozen < blocks, place)
        check_size(settings, stage.training.batch_size, place)
    names = [stage.name for stage in settings.stages]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{place}: stages has two of the name '{repeated[0]}', by which histories tell them apart")
    if len(schemes := {stage.training.validation for stage in settings.stages}) > 1:
        raise UserError(
            f"{place}: training.validation is {' and '.join(sorted(schemes))}; all stages must have the same"
        )
    if "inner" in schemes and folds < 3:
        raise UserError(f"{place}: training.validation is inner, which takes 3 folds, but the dataset has {folds}")


def check_something_learns(stage: "StageSettings", encoder_learns: bool, place: str) -> None:
    """Raise UserError for a stage none of whose parts gets a gradient from its loss."""
    alpha = stage.loss.alpha
    learns = {"encoder": encoder_learns, "projection": alpha > 0, "classifier": alpha < 1}
    if not any(learns[part] for part in stage.trains):
        raise UserError(
            f"{place}: stage '{stage.name}' trains {', '.join(stage.trains)} with loss.alpha {alpha:g}, by which "
            "nothing learns: alpha 0 leaves the projection alone, 1 the classifier, frozen blocks the encoder"
        )


def check_size(settings: "RunSettings", clips: int, place: str) -> None:
    """Raise UserError for batches of so many spectrograms, or so large ones, as no machine has memory for."""
    audio, logmel = settings.audio, settings.logmel
    frames = audio.samples // logmel.hop + 1
    each = max(logmel.fft // 2 + 1, logmel.bands * settings.encoder.channels)
    if clips * frames * each > LARGEST:
        raise UserError(
            f"{place}: a batch of {clips} clips, {frames} frames of {each} numbers each, is more than {LARGEST} "
            "numbers: lower training.batch_size, logmel.fft, logmel.bands or the dataset's samples, or raise logmel.hop"
        )
