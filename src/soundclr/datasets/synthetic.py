"""Makes a synthetic dataset of WAV files, so that the whole pipeline runs without a download.

It has ten kinds of sound that differ audibly but overlap in pitch, level and partly in spectrum: a rising and a falling
chirp differ only in time. Clips are shorter or longer than the dataset's length. Half of them have silence (exact
zeros) at both ends, and all have background noise.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from soundclr.datasets.index import IndexRow
from soundclr.errors import UserError
from soundclr.machine.files import atomic_folder, writing
from soundclr.params import DatasetSettings

Signal = NDArray[np.float64]
# (time, random) -> samples; `time` has the moments of sampling in seconds.
Sound = Callable[[Signal, np.random.Generator], Signal]


def fetch_synthetic(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Write ``clips_per_fold`` clips of each class and fold to ``data/<name>/audio``; return their rows.

    The files' bytes depend only on the settings. They are named like ESC-50's, fold-source-take-label.
    """
    if settings.synthetic is None or settings.classes is None or settings.classes > len(SOUNDS):
        raise UserError(
            f"dataset {name}: a synthetic dataset has at most {len(SOUNDS)} classes, not {settings.classes}, "
            "and a section `synthetic` with clips_per_fold and seed"
        )
    seed, clips_per_fold = settings.synthetic.seed, settings.synthetic.clips_per_fold
    rows = []
    with writing(data / name / "audio"), atomic_folder(data / name / "audio") as folder:
        for label, class_name in enumerate(list(SOUNDS)[: settings.classes]):
            for fold in range(1, settings.folds + 1):
                for number in range(clips_per_fold):
                    source = f"{100000 + (label * settings.folds + fold - 1) * clips_per_fold + number}"
                    clip = f"{fold}-{source}-A-{label}"
                    # A generator per clip, so that more clips or folds do not change the others.
                    random = np.random.default_rng([seed, label, fold, number])
                    samples = synthesise(class_name, settings.samples, settings.sample_rate, random)
                    sound = io.BytesIO()  # libsndfile does not report a full disk
                    soundfile.write(sound, samples, settings.sample_rate, subtype="PCM_16", format="WAV")
                    (folder / f"{clip}.wav").write_bytes(sound.getbuffer())
                    rows.append(IndexRow(clip, f"audio/{clip}.wav", label, class_name, fold, source))
    return rows


def synthesise(class_name: str, samples: int, sample_rate: int, random: np.random.Generator) -> NDArray[np.int16]:
    """One clip, int16 (n,): 0.6 to 1.3 times ``samples`` of sound, half of the time with zeros around it."""
    length = int(samples * random.uniform(0.6, 1.3))
    sound = SOUNDS[class_name](np.arange(length) / sample_rate, random)
    sound = sound / np.sqrt(np.mean(sound**2))
    noise = 10 ** (random.uniform(-25, -8) / 20)  # dB below the sound
    level = 10 ** (random.uniform(-24, -1) / 20)  # dB below full scale
    sound = sound + noise * random.standard_normal(length)
    sound = sound / np.abs(sound).max() * level
    clip = np.round(sound * 32767).astype(np.int16)
    before, after = random.integers(samples // 50, samples // 8, 2) if random.random() < 0.5 else (0, 0)
    return np.pad(clip, (before, after))


def tone(time: Signal, random: np.random.Generator) -> Signal:
    return _sine(np.full_like(time, _pitch(random)), time, random)


def chirp_up(time: Signal, random: np.random.Generator) -> Signal:
    return _sine(_pitch(random) * 3 ** (_sawtooth(time, random.uniform(2, 4), random) - 0.5), time, random)


def chirp_down(time: Signal, random: np.random.Generator) -> Signal:
    return _sine(_pitch(random) * 3 ** (0.5 - _sawtooth(time, random.uniform(2, 4), random)), time, random)


def siren(time: Signal, random: np.random.Generator) -> Signal:
    swing = np.sin(2 * np.pi * _sawtooth(time, random.uniform(2, 5), random))
    return _sine(_pitch(random) * 3 ** (swing / 2), time, random)


def pulsing_tone(time: Signal, random: np.random.Generator) -> Signal:
    pulse = np.sin(2 * np.pi * _sawtooth(time, random.uniform(4, 9), random))
    return (1 + pulse) * tone(time, random)


def white_noise(time: Signal, random: np.random.Generator) -> Signal:
    return random.standard_normal(len(time))


def noise_bursts(time: Signal, random: np.random.Generator) -> Signal:
    cycle = _sawtooth(time, random.uniform(3, 8), random)
    return (cycle < random.uniform(0.3, 0.6)) * random.standard_normal(len(time)) + 1e-3


def rumble(time: Signal, random: np.random.Generator) -> Signal:
    spectrum = np.fft.rfft(random.standard_normal(len(time)))
    frequency = np.fft.rfftfreq(len(time), time[1])
    return np.fft.irfft(spectrum / (1 + (frequency / random.uniform(100, 400)) ** 2), len(time))


def clicks(time: Signal, random: np.random.Generator) -> Signal:
    rate = random.uniform(4, 10)
    since = _sawtooth(time, rate, random) / rate  # seconds since the last click
    return np.exp(-since * random.uniform(200, 600)) * random.standard_normal(len(time))


def buzz(time: Signal, random: np.random.Generator) -> Signal:
    return _sawtooth(time, random.uniform(80, 250), random) - 0.5


SOUNDS: dict[str, Sound] = {
    sound.__name__: sound
    for sound in (tone, chirp_up, chirp_down, siren, pulsing_tone, white_noise, noise_bursts, rumble, clicks, buzz)
}


def _pitch(random: np.random.Generator) -> float:
    """A pitch from 400 to 1600 Hz, uniform in octaves."""
    return 400 * 4 ** random.random()


def _sine(frequency: Signal, time: Signal, random: np.random.Generator) -> Signal:
    """A sine with changing ``frequency`` (Hz) and a random phase."""
    return np.sin(2 * np.pi * (np.cumsum(frequency) * time[1] + random.random()))


def _sawtooth(time: Signal, rate: float, random: np.random.Generator) -> Signal:
    """Rises from 0 to 1 ``rate`` times per second, with a random phase."""
    return (time * rate + random.random()) % 1
