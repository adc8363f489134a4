"""Whatever a file holds, reading it ends well or in one line: no input ends in a traceback."""

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import given
from hypothesis import strategies as st

from soundclr.audio.decode import read_audio
from soundclr.audio.features import Waveforms
from soundclr.datasets import archive, fetch_dataset, index
from soundclr.machine.files import read_json
from soundclr.method import load_checked
from soundclr.params import DatasetSettings, read_params
from soundclr.run.index_record import write_made_of
from soundclr.run.runs import expand
from support import toy
from support.spoiling import NAMES, VALUES, ends_well, examples, mutate

TEXT = yaml.safe_dump(read_params(Path(__file__).parents[2] / "params.yaml"), sort_keys=False)
CONTENT: dict[str, Any] = yaml.safe_load(TEXT)
for gone in ("paper", "shin", "shin_quick", "esc10", "own"):  # four are large, the fifth's sounds are not there
    del CONTENT["studies"][gone]
CONTENT["study"] = "demo"


def load_all(path: Path) -> None:
    """Load params.yaml, and ask for every run."""
    params = load_checked(path)
    for study in params.studies:
        list(expand(params, study))


@pytest.mark.slow
@examples(150)
@given(data=st.data())
def test_parameters_with_any_entry_changed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = mutate(CONTENT, data)
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    with pytest.MonkeyPatch.context() as patch:  # not through YAML text, which takes most of the time
        patch.setattr("soundclr.params.including.read_yaml", lambda _: content)
        ends_well(lambda: load_all(path))


@examples(100)
@given(text=st.text(max_size=60) | st.binary(max_size=60) | VALUES)
def test_parameters_of_any_text(text: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    if not isinstance(text, str | bytes):
        text = yaml.safe_dump(text, allow_unicode=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    assert not ends_well(lambda: load_all(path))


@pytest.mark.slow
@examples(40)
@given(place=st.integers(0, len(TEXT)), length=st.integers(0, 40), new=st.text(max_size=5) | NAMES)
def test_parameters_with_any_text_changed(
    place: int, length: int, new: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "spoilt.yaml"
    path.write_bytes((TEXT[:place] + new + TEXT[place + length :]).encode(errors="surrogatepass"))
    ends_well(lambda: load_all(path))


CELLS = st.sampled_from(["path", "label", "fold", "source", "clip", "class", "0", "1", "2", "a.wav", "b.wav", "dog"])
CELLS |= st.text(max_size=6) | st.sampled_from(
    ["a.wav/x", "x" * 5000, "a\0b", "\r", "é", "1e3", "-1", "nan", "/", ".."]
)
TABLES = st.binary(max_size=80) | st.text(max_size=80) | st.lists(st.lists(CELLS, max_size=5), max_size=5)


def write_table(path: Path, table: Any, header: list[str] | None) -> None:
    """Bytes, text or cells as a file, the cells below ``header``, if there is one."""
    if isinstance(table, list):
        text = io.StringIO()
        csv.writer(text, escapechar="\\").writerows([header] * bool(header) + table)
        table = text.getvalue()
    path.write_bytes(table if isinstance(table, bytes) else table.encode(errors="surrogatepass"))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips."""
    folder = tmp_path_factory.mktemp("sounds")
    for name in ("a.wav", "b.wav"):
        soundfile.write(folder / name, np.full(400, 0.1), 8000)
    return folder


@examples(200)
@given(table=TABLES, header=st.sampled_from([None, ["path", "label"], ["path", "label", "fold", "source"]]))
def test_any_table_of_own_sounds(table: Any, header: list[str] | None, sounds: Path) -> None:
    write_table(sounds / "table.csv", table, header)
    birds = {"title": "x", "adapter": "csv", "file": str(sounds / "table.csv"), "classes": 2, "folds": 2}
    source = DatasetSettings.model_validate({**birds, "sample_rate": 8000, "samples": 400})
    if not ends_well(lambda: fetch_dataset("birds", source, sounds / "data", None)):
        assert not (sounds / "data" / "birds" / "index.csv").exists()


@examples(200)
@given(table=TABLES, header=st.sampled_from([None, index.COLUMNS]))
def test_any_index(table: Any, header: list[str] | None, sounds: Path) -> None:
    write_table(sounds / "index.csv", table, header)
    write_made_of(sounds / "index.csv", "any", (sounds / "index.csv").read_bytes())
    ends_well(lambda: index.read_index(sounds / "index.csv"))


@pytest.mark.parametrize("extra", ["", ",t", ",t,u"])
def test_an_index_with_lines_longer_than_its_header(extra: str, sounds: Path) -> None:
    text = ",".join(index.COLUMNS) + f"\na,a.wav,0,dog,1,s,{'0' * 64}{extra}\n"
    (sounds / "index.csv").write_text(text)
    write_made_of(sounds / "index.csv", "any", text.encode())
    assert ends_well(lambda: index.read_index(sounds / "index.csv")) == (not extra)


@examples(100)
@given(value=VALUES | st.binary(max_size=30), seed=st.binary(max_size=20))
def test_any_json(value: Any, seed: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(
        value if isinstance(value, bytes) else json.dumps(value, default=str, skipkeys=True).encode() + seed
    )
    ends_well(lambda: read_json(path))


def test_json_nested_too_deeply(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    assert not ends_well(lambda: read_json(tmp_path / "deep.json"))


def spoil(content: bytes, data: st.DataObject) -> bytes:
    """``content`` with some bytes in one to three places replaced, or its end cut off."""
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        new = data.draw(st.binary(max_size=8))
        content = content[:place] + new + content[place + data.draw(st.sampled_from([0, len(new), 10**9])) :]
    return content


def packed(kind: str) -> bytes:
    """An archive of two clips."""
    file = io.BytesIO()
    clip = np.random.default_rng(0).bytes(1000) + bytes(3000)
    if kind.startswith("zip"):
        method = {"zip": zipfile.ZIP_DEFLATED, "zip-lzma": zipfile.ZIP_LZMA, "zip-bz2": zipfile.ZIP_BZIP2}[kind]
        with zipfile.ZipFile(file, "w", method) as written:
            written.writestr("top/é.wav", clip)
            written.writestr("top/b.wav", clip)
    else:
        with tarfile.open(fileobj=file, mode=f"w:{kind}", format=tarfile.PAX_FORMAT) as written:
            for name in ("top/é.wav", "top/b.wav"):
                member = tarfile.TarInfo(name)
                member.size = len(clip)
                written.addfile(member, io.BytesIO(clip))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["zip", "zip-lzma", "zip-bz2", "", "gz", "bz2", "xz"])
@examples(60)
@given(data=st.data())
def test_any_damage_to_an_archive(kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.getbasetemp() / "damage" / "box"
    place.mkdir(parents=True, exist_ok=True)
    (place / "a.archive").write_bytes(spoil(packed(kind), data))
    ends_well(lambda: archive.unpack(place / "a.archive", place / "folder", 10**6))
    assert {path.name for path in place.iterdir()} <= {"a.archive", "folder"}
    assert [path.name for path in place.parent.iterdir()] == ["box"]


@pytest.mark.parametrize("kind", ["WAV", "RF64", "FLAC", "OGG", "MP3", "AIFF"])
@examples(60)
@given(data=st.data())
def test_any_damage_to_a_clip(kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    clip = io.BytesIO()
    soundfile.write(clip, np.sin(np.arange(500)) / 2, 8000, format=kind)
    path = tmp_path_factory.getbasetemp() / "damaged.clip"
    path.write_bytes(spoil(clip.getvalue(), data))
    ends_well(lambda: read_audio(path, 8000))


@examples(150)
@given(data=st.data())
def test_any_damage_to_features(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What opens has clips, labels and folds that fit one another."""
    path = toy.write_features(tmp_path_factory.getbasetemp() / "damaged.safetensors")
    content = path.read_bytes()
    head = int.from_bytes(content[:8], "little") + 8
    path.write_bytes(spoil(content[:head], data) + content[head:])
    ends_well(lambda: Waveforms.load(path))
