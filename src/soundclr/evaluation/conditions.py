"""The noises of an evaluation; the report reads their names from here without importing NumPy or PyTorch."""

from collections.abc import Iterator
from dataclasses import dataclass

from soundclr.params import EvaluationSettings


@dataclass(frozen=True)
class Noise:
    """A colour of noise and its level: a standard deviation ``sigma``, a ratio ``snr_db``, or neither: all ratios."""

    colour: str
    sigma: float | None = None
    snr_db: float | None = None

    @property
    def column(self) -> str:
        """Its column in answers.csv, such as ``white_sigma_0.0001`` or ``pink_snr_-5``."""
        level = f"sigma_{self.sigma:g}" if self.sigma is not None else f"snr_{self.snr_db:g}"
        return f"{self.colour}_{level}"


def conditions(settings: EvaluationSettings) -> Iterator[Noise]:
    """White noise of each standard deviation, then each colour at each signal-to-noise ratio."""
    yield from (Noise("white", sigma=sigma) for sigma in settings.sigmas)
    yield from (Noise(colour, snr_db=ratio) for colour in settings.noises for ratio in settings.snr)
