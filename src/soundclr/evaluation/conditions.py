"""The noises that a model is asked under; the report reads their names without what computes them."""

from collections.abc import Iterator
from dataclasses import dataclass

from soundclr.params import EvaluationSettings


@dataclass(frozen=True)
class Noise:
    """A colour at a level: either ``sigma``, a standard deviation, or ``snr_db``, a ratio in dB; or at all ratios."""

    colour: str
    sigma: float | None = None
    snr_db: float | None = None

    @property
    def column(self) -> str:
        """What a column of answers.csv is called, such as ``white_sigma_0.0001`` or ``pink_snr_-5``."""
        level = f"sigma_{self.sigma:g}" if self.sigma is not None else f"snr_{self.snr_db:g}"
        return f"{self.colour}_{level}"


def conditions(settings: EvaluationSettings) -> Iterator[Noise]:
    """White noise of each standard deviation, then each colour at each ratio of signal to noise."""
    yield from (Noise("white", sigma=sigma) for sigma in settings.sigmas)
    yield from (Noise(colour, snr_db=ratio) for colour in settings.noises for ratio in settings.snr)
