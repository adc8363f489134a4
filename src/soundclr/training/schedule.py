"""The learning rate, epoch by epoch (reference code; the paper's section 4.2 names warm-up and decay)."""

from soundclr.params import TrainingSettings


def final_rate(settings: TrainingSettings) -> float:
    """To what share of its peak the learning rate falls by the last epoch, if no patience ends the stage before."""
    last = settings.epochs - 1
    return learning_rate(settings, last) / learning_rate(settings, min(last, settings.warmup_epochs))


def learning_rate(settings: TrainingSettings, epoch: int) -> float:
    """The encoder's learning rate in an epoch counted from 0.

    Linear warm-up lr * (0.1 + 0.9 * (epoch + 1) / warmup_epochs), then lr * decay^(epoch - warmup_epochs).
    """
    warmup = settings.warmup_epochs
    if epoch < warmup:
        return settings.learning_rate * (0.1 + 0.9 * (epoch + 1) / warmup)
    return settings.learning_rate * settings.decay ** (epoch - warmup)
