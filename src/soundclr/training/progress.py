"""Shows a training's progress: a bar on a terminal, a line per epoch in a log."""

import sys
from typing import Any

from tqdm import tqdm


class Progress:
    """Prints the epochs of one stage on standard error: loss, accuracy, clips/s and time left.

    ``val_name`` is the name of the validation clips in messages.
    """

    def __init__(self, title: str, epochs: int, done: int, clips: int, val_name: str) -> None:
        self.title, self.epochs, self.val_name = title, epochs, val_name
        self.bar = tqdm(
            total=epochs * clips,
            initial=done * clips,
            unit=" clips",
            unit_scale=True,
            desc=title,
            disable=not sys.stderr.isatty(),
        )

    def batch(self, clips: int) -> None:
        """Count a batch of ``clips`` clips."""
        self.bar.update(clips)

    def epoch(self, row: dict[str, Any]) -> None:
        """Print an epoch, given its row of the history."""
        accuracy = row["val_accuracy"]
        shown = f"loss {row['train_loss']:.3f}, {self.val_name} loss {row['val_loss']:.3f}"
        if accuracy is not None:
            shown += f", {self.val_name} accuracy {100 * accuracy:.1f} %"
        if not self.bar.disable:
            self.bar.set_postfix_str(f"epoch {row['epoch']}/{self.epochs}, {shown}")
            return
        left = (self.epochs - row["epoch"]) * row["seconds"]
        print(
            f"{self.title}: epoch {row['epoch']}/{self.epochs}, {shown}, "
            f"{row['clips_per_second']:.1f} clips/s, at most {left / 60:.1f} min left",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Stop updating the bar."""
        self.bar.close()
