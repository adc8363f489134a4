"""NSynth (Engel et al. 2017): 305,979 notes of 4 s at 16 kHz, by instrument family or by pitch.

It has three archives; their ``file`` and ``url`` in params.yaml have ``{part}`` in place of the part's name. The parts
test, valid and train are folds 1, 2 and 3. Each has ``nsynth-<part>/audio/<note>.wav`` and
``nsynth-<part>/examples.json``. The test clips lack the family synth_lead. They may share instruments with the
validation clips, but not with the training clips.

It is large: 25 GB of archives, 45 GB unpacked, and up to 39 GB of decoded clips in one file. A training keeps all of
them on its device; on a CPU the file is mapped, and read once when a training starts.
"""

from pathlib import Path
from typing import Any

from soundclr.datasets.index import IndexRow
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import verify_listed
from soundclr.errors import UserError
from soundclr.machine.files import read_json
from soundclr.params import DatasetSettings

PARTS = {"test": 1, "valid": 2, "train": 3}
FAMILIES = (
    *("bass", "brass", "flute", "guitar", "keyboard", "mallet"),
    *("organ", "reed", "string", "synth_lead", "vocal"),
)
PITCHES = range(128)  # MIDI pitches
LARGEST_TABLE = 1 << 29  # bytes; the training clips' table has about 200 MB


def fetch_families(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch NSynth below ``data/<name>``, or use a copy; check it; return its rows, with families as classes.

    Each part is checked against its own table. UserError for an instrument that is in the training part and another.
    """
    return _fetch(name, settings, data, mirror, "instrument_family")


def fetch_pitches(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """As :func:`fetch_families`, with the MIDI pitches that occur as classes, numbered in their order."""
    rows = _fetch(name, settings, data, mirror, "pitch")
    pitches = sorted({row.label for row in rows})
    return [row._replace(label=pitches.index(row.label)) for row in rows]


def _fetch(name: str, settings: DatasetSettings, data: Path, mirror: Path | None, target: str) -> list[IndexRow]:
    """The rows of all three parts, with the values of ``target`` as labels."""
    rows = []
    for part, fold in PARTS.items():
        file, url = (text and text.replace("{part}", part) for text in (settings.file, settings.url))
        of_part = settings.model_copy(update={"file": file, "url": url})
        with source_folder(f"{name}/{part}", of_part, data, mirror, [f"nsynth-{part}"]) as folder:
            notes = _notes(folder / "examples.json")
            listed = [index_row(note, values, target, fold, folder) for note, values in notes.items()]
            verify_listed(folder, "audio", listed)
        below = folder.relative_to(data / name).as_posix()
        rows += [row._replace(path=f"{below}/{row.path}") for row in listed]
    training = {row.source for row in rows if row.fold == PARTS["train"]}
    if shared := sorted({row.source for row in rows if row.fold != PARTS["train"]} & training):
        raise UserError(
            f"dataset {name}: instrument {shared[0]}, one of {len(shared)}, is in the training clips and in the test "
            "or validation clips; this is not NSynth's split"
        )
    return rows


def index_row(note: str, values: dict[str, Any], target: str, fold: int, folder: Path) -> IndexRow:
    """The index row of a note in ``folder / examples.json``, with a path relative to ``folder``."""
    allowed = PITCHES if target == "pitch" else range(len(FAMILIES))
    label, instrument = values.get(target), values.get("instrument_str")
    place = f"{folder / 'examples.json'}: note {note}"
    if type(label) is not int or label not in allowed:
        raise UserError(f"{place} has {target} {label!r}, not a whole number from 0 to {allowed[-1]}")
    if not (isinstance(instrument, str) and instrument):
        raise UserError(f"{place} has instrument_str {instrument!r}, not the name of an instrument")
    class_name = str(label) if target == "pitch" else FAMILIES[label]
    return IndexRow(note, f"audio/{note}.wav", label, class_name, fold, instrument)


def _notes(path: Path) -> dict[str, dict[str, Any]]:
    """The table's values for each note."""
    if not path.exists():
        raise UserError(f"{path}, the table of the notes, is missing")
    notes = read_json(path, most=LARGEST_TABLE)
    if not (isinstance(notes, dict) and notes and all(isinstance(values, dict) for values in notes.values())):
        raise UserError(f"{path}: is not a table of notes, a JSON object with an object for each")
    return notes
