"""ESC-50, ESC-10 out of it and UrbanSound8K with something wrong: each fault is one line that names it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from support.small_copies import (
    ESC10,
    ESC50,
    ESC50_AUDIO,
    ESC50_TABLE,
    US8K,
    US8K_ARCHIVE,
    US8K_AUDIO,
    US8K_TABLE,
    edit,
    refusal,
    tarred,
)

FAULTS: dict[str, tuple[dict[str, Any], Callable[[Path], object], str]] = {
    "esc50: no table": (ESC50, lambda m: (m / ESC50_TABLE).unlink(), "esc50.csv, the table of the clips, is missing"),
    "esc50: a column less": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "esc10,src_file", "src_file"),
        "lacks the column `esc10`",
    ),
    "esc50: a column more": (ESC50, lambda m: edit(m / ESC50_TABLE, "take", "take,x"), "has the column `x`"),
    "esc50: a short line": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "1102,A", "1102"),
        "line 4: has 6 values for 7 columns",
    ),
    "esc50: another fold": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "1-1102-A-2.wav,1", "1-1102-A-2.wav,2"),
        "line 4: 1-1102-A-2.wav is not 2-1102-A-2.wav",
    ),
    "esc50: another source": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, ",1102,", ",1103,"),
        "1-1102-A-2.wav is not 1-1103-",
    ),
    "esc50: no number": (ESC50, lambda m: edit(m / ESC50_TABLE, "wav,1,2,", "wav,1,two,"), "line 4: `target` is 'two'"),
    "esc50: a line twice": (
        ESC50,
        lambda m: edit(
            m / ESC50_TABLE, "1-1102-A-2.wav,1,2,class_2,False,1102", "1-1103-A-3.wav,1,3,class_3,False,1103"
        ),
        "line 5: 1-1103-A-3.wav is listed twice, first in ",
    ),
    "esc50: a class with two names": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "dog", "wolf"),
        "label 0 has more than one class",
    ),
    "esc50: not text": (ESC50, lambda m: (m / ESC50_TABLE).write_bytes(b"\xff\xfe"), "cannot be read as a CSV table"),
    "esc50: no clips listed": (
        ESC50,
        lambda m: (m / ESC50_TABLE).write_text("filename,fold,target,category,esc10,src_file,take\n"),
        "the table lists no clips",
    ),
    "esc50: a row without a file": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").unlink(),
        "audio/2-1207-A-7.wav is missing, but the table lists it",
    ),
    "esc50: rows without files": (
        ESC50,
        lambda m: [(m / ESC50_AUDIO / f"2-12{t}-A-{t}.wav").unlink() for t in (17, 18, 19)],
        "audio/2-1217-A-17.wav and 2 more clips are missing",
    ),
    "esc50: a file without a row": (
        ESC50,
        lambda m: shutil.copy(m / ESC50_AUDIO / "2-1207-A-7.wav", m / ESC50_AUDIO / "2-1207-B-7.wav"),
        "audio/2-1207-B-7.wav is there, but the table does not list it",
    ),
    "esc50: a missing fold": (
        ESC50,
        lambda m: [path.unlink() for path in (m / ESC50_AUDIO).glob("2-*")],
        "fold 2 is missing, all 50 clips that the table lists",
    ),
    "esc50: no clips": (ESC50, lambda m: shutil.rmtree(m / ESC50_AUDIO), " has no clips"),
    "esc50: no audio": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").write_bytes(b"<html>404</html>"),
        "audio/2-1207-A-7.wav: is no WAV, FLAC, Ogg or MP3 file",
    ),
    "esc50: an empty file": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "1-1101-A-1.wav").write_bytes(b""),
        "1-1101-A-1.wav: is empty",
    ),
    "esc50: no samples": (
        ESC50,
        lambda m: soundfile.write(m / ESC50_AUDIO / "1-1101-A-1.wav", [], 44100),
        "1-1101-A-1.wav: has no samples",
    ),
    "esc50: another release": (
        {**ESC50, "folds": 3},
        lambda m: None,
        "dataset set: no clip has fold 3; its settings have folds 1 to 3",
    ),
    "esc50: fewer clips": (
        {**ESC50, "clips": 2000},
        lambda m: None,
        "dataset set: found 100 clips; its `clips` is 2000",
    ),
    "esc10: a clip of another class": (
        ESC10,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").unlink(),
        "audio/2-1207-A-7.wav is missing",
    ),
    "esc10: a class that there is not": (
        {**ESC10, "only": [0, 50]},
        lambda m: None,
        "dataset set: `only` names class 50, which has no clip",
    ),
    "us8k: no table": (
        US8K,
        lambda m: (m / US8K_TABLE).unlink(),
        "UrbanSound8K.csv, the table of the clips, is missing",
    ),
    "us8k: a column less": (US8K, lambda m: edit(m / US8K_TABLE, "salience,", ""), "lacks the column `salience`"),
    "us8k: another class": (
        US8K,
        lambda m: edit(m / US8K_TABLE, "1,3,dog", "1,4,dog"),
        "10013-3-0-1.wav does not match the line's fsID 10013",
    ),
    "us8k: another fold": (
        US8K,
        lambda m: edit(m / US8K_TABLE, ",1,3,dog", ",2,3,dog"),
        "audio/fold2/10013-3-0-1.wav is missing",
    ),
    "us8k: another name": (
        US8K,
        lambda m: edit(m / US8K_TABLE, "10013-3-0-1", "10013"),
        "10013.wav is not named like 100032-3-0-0.wav",
    ),
    "us8k: a row without a file": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").unlink(),
        "audio/fold7/10073-3-0-7.wav is missing",
    ),
    "us8k: a file without a row": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").rename(m / US8K_AUDIO / "fold7" / "new.wav"),
        "audio/fold7/10073-3-0-7.wav is missing",
    ),
    "us8k: a file more": (
        US8K,
        lambda m: shutil.copy(m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav", m / US8K_AUDIO / "fold8"),
        "audio/fold8/10073-3-0-7.wav is there, but",
    ),
    "us8k: a missing fold": (
        US8K,
        lambda m: shutil.rmtree(m / US8K_AUDIO / "fold10"),
        "fold 10 is missing, all 10 clips that the table lists",
    ),
    "us8k: several missing folds": (
        US8K,
        lambda m: [shutil.rmtree(m / US8K_AUDIO / f"fold{fold}") for fold in (2, 10, 9)],
        "folds 2, 9, 10 are missing, all 30 clips that the table lists",
    ),
    "us8k: a clip that is no audio": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").write_bytes(bytes(1000)),
        "fold7/10073-3-0-7.wav: is no WAV, FLAC, Ogg or MP3 file",
    ),
}


@pytest.mark.parametrize(("settings", "spoil", "message"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_one_line_that_names_it(
    copies: Path, tmp_path: Path, settings: dict[str, Any], spoil: Callable[[Path], object], message: str
) -> None:
    spoil(copies)
    assert message in refusal(settings, tmp_path / "data", copies)


def test_a_fault_in_an_archive_names_what_to_delete(copies: Path, tmp_path: Path) -> None:
    (copies / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").unlink()
    (tmp_path / "archives").mkdir()
    tarred(copies / "UrbanSound8K", tmp_path / "archives" / US8K_ARCHIVE)
    message = refusal(US8K, tmp_path / "data", tmp_path / "archives")
    assert message.startswith("dataset set: audio/fold7/10073-3-0-7.wav is missing")
    archive = tmp_path / "data" / "downloads" / US8K_ARCHIVE
    assert f"delete {archive}.unpacked and {archive}, and the same command fetches it again" in message
