"""The features file: what goes in comes out, mapped and not copied, and a broken one is refused."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from soundclr.audio.features import UNSEALED, Waveforms, seal
from soundclr.datasets.decoding import decode_clips, in_order
from soundclr.datasets.index import IndexRow, read_index, write_index
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file

RATE = 8000


@pytest.fixture
def dataset(tmp_path):
    """An index of four clips, one silent, and the arrays that the features should hold."""
    random = np.random.default_rng(0)
    arrays, rows = [], []
    for number in range(4):
        samples = random.integers(1, 3000, 500 + 100 * number).astype(np.int16)
        if number == 2:
            samples[:] = 0
        padded = np.concatenate([np.zeros(7, np.int16), samples, np.zeros(11, np.int16)])
        path = tmp_path / "audio" / f"clip {number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, padded, RATE, subtype="PCM_16")
        arrays.append(padded if number == 2 else samples)
        name = "null" if number % 2 else "dog"
        rows.append(IndexRow(f"00{number}", f"audio/{path.name}", 1 - number % 2, name, number + 1, "s"))
    index = tmp_path / "index.csv"
    write_index(index, rows, "made by hand")
    return index, arrays


@pytest.mark.parametrize("workers", [1, 3])
def test_round_trip(dataset, tmp_path, workers):
    index, arrays = dataset
    output = tmp_path / "new" / "features.safetensors"
    decode_clips(index, output, RATE, workers)
    waveforms = Waveforms.load(output)
    assert len(waveforms) == 4
    assert waveforms.samples.dtype == torch.int16
    for clip, array in enumerate(arrays):
        part = waveforms.samples[waveforms.offsets[clip] : waveforms.offsets[clip + 1]]
        np.testing.assert_array_equal(part.numpy(), array)
    assert waveforms.labels.tolist() == [1, 0, 1, 0]
    assert waveforms.folds.tolist() == [1, 2, 3, 4]
    assert waveforms.clips == ("000", "001", "002", "003")
    assert waveforms.classes == ("null", "dog")
    assert waveforms.sample_rate == RATE
    assert waveforms.sources == tuple(read_index(index)["source"])
    assert waveforms.identical == {"groups": 0, "clips": 0, "across_folds": 0, "across_classes": 0}
    with safe_open(output, framework="pt") as file:
        assert file.metadata()["index_sha256"] == waveforms.index_sha256 == sha256_of_file(index)
        assert file.metadata()["sha256"] == waveforms.sha256
    assert [path.name for path in output.parent.iterdir()] == ["features.safetensors"]


def test_identical_clips_are_counted_and_named(tmp_path):
    rows = [IndexRow(clip, f"{clip}.wav", 0, "dog", fold, "s") for clip, fold in (("a", 1), ("b", 2), ("c", 2))]
    for row in rows:
        soundfile.write(tmp_path / row.path, np.ones(9 if row.clip == "c" else 8, np.int16), RATE)
    write_index(tmp_path / "index.csv", rows, "made by hand")
    decode_clips(tmp_path / "index.csv", tmp_path / "f.safetensors", RATE, 1)
    identical = Waveforms.load(tmp_path / "f.safetensors").identical
    counts = {"groups": 1, "clips": 2, "across_folds": 1, "across_classes": 0}
    assert identical == {**counts, "names": [["a", "b"]]}


def test_the_same_input_makes_the_same_bytes(dataset, tmp_path):
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    decode_clips(dataset[0], first, RATE, 1)
    decode_clips(dataset[0], second, RATE, 2)
    assert first.read_bytes() == second.read_bytes()


def test_trimming_comes_before_rounding(tmp_path):
    """What is no exact zero stays, as in the reference code, though 16 bits cannot hold it."""
    samples = np.array([0, 1e-7, 0.5, 0, -0.25, 1e-6, 0, 0], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    write_index(tmp_path / "index.csv", [IndexRow("a", "a.wav", 0, "dog", 1, "s")], "made by hand")
    decode_clips(tmp_path / "index.csv", tmp_path / "a.safetensors", RATE, 1)
    assert Waveforms.load(tmp_path / "a.safetensors").samples.tolist() == [0, 16384, 0, -8192, 0]


def test_of_a_longer_clip_the_rest_is_left_out_before_it_is_trimmed(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0, 1, 2, 0, 0, 3, 4], dtype=np.int16), RATE)
    write_index(tmp_path / "index.csv", [IndexRow("a", "a.wav", 0, "dog", 1, "s")], "made by hand")
    for longest, kept in ((5, [1, 2]), (6, [1, 2, 0, 0, 3]), (9, [1, 2, 0, 0, 3, 4])):
        decode_clips(tmp_path / "index.csv", tmp_path / "a.safetensors", RATE, 1, longest=longest)
        assert Waveforms.load(tmp_path / "a.safetensors").samples.tolist() == kept


def test_decoded_clips_come_in_order_and_do_not_pile_up_before_a_slow_disk():
    """However fast the decoding, no more than six wait."""
    begun = []

    def decode(path, sha256):
        begun.append(path)
        return np.full(3, int(sha256), np.int16)

    clips = [(Path(str(number)), str(number)) for number in range(50)]
    with ThreadPoolExecutor(3) as pool:
        for number, clip in enumerate(in_order(pool, decode, clips, 6)):
            time.sleep(0.002)  # a slow disk
            assert len(begun) <= number + 1 + 6
            assert clip.tolist() == [number] * 3
    assert sorted(begun) == sorted(path for path, _ in clips)


def test_load_maps_the_file(tmp_path):
    total = 16_000_000
    path = tmp_path / "large.safetensors"
    none = torch.zeros(1, dtype=torch.int64)
    tensors = {"samples": torch.ones(total, dtype=torch.int16), "offsets": torch.tensor([0, total])}
    names = {"clips": '["a"]', "sources": '["a"]', "classes": '["b"]'}
    metadata = {**names, "sample_rate": "8000", "index_sha256": "", "sha256": UNSEALED}
    save_file({**tensors, "labels": none, "folds": none.clone()}, path, metadata)
    seal(path)
    before = _private_kilobytes()
    waveforms = Waveforms.load(path)
    assert waveforms.identical is None  # a file of an earlier version
    assert int(waveforms.samples[::1000].sum()) == total // 1000
    assert _private_kilobytes() - before < total * 2 / 1024 / 4
    assert waveforms.to("cpu").samples.data_ptr() == waveforms.samples.data_ptr()


def _private_kilobytes():
    """This process's memory that is its own, not a file's pages."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))


def test_a_broken_file_is_refused(dataset, tmp_path):
    good = tmp_path / "good.safetensors"
    decode_clips(dataset[0], good, RATE, 1)
    content = good.read_bytes()
    bad = tmp_path / "bad.safetensors"
    for broken in (content[:-100], content[:50], content[:3], b"", b"not safetensors at all" * 100):
        bad.write_bytes(broken)
        with pytest.raises(UserError, match=r"bad\.safetensors.*make the features again"):
            Waveforms.load(bad)
    with pytest.raises(UserError, match=r"absent\.safetensors.*make the features first"):
        Waveforms.load(tmp_path / "absent.safetensors")


def test_a_file_of_another_format_is_refused(dataset, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"samples": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=r"other\.safetensors"):
        Waveforms.load(path)
    decode_clips(dataset[0], path, RATE, 1)
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, wrong in (
        ("samples", tensors["samples"][:-1].clone()),
        ("labels", tensors["labels"][:-1].clone()),
    ):
        save_file({**tensors, name: wrong}, path, metadata | {"sha256": UNSEALED})
        seal(path)
        with pytest.raises(UserError, match="do not fit"):
            Waveforms.load(path)


def test_a_clip_that_cannot_be_decoded_is_named_and_nothing_is_written(dataset, tmp_path):
    index, _ = dataset
    clip = tmp_path / "audio" / "clip 1.wav"
    clip.write_bytes(b"RIFF")
    rows = [IndexRow("a", "audio/clip 1.wav", 0, "dog", 1, "s")]
    write_index(index, rows, "made by hand")
    output = tmp_path / "new" / "features.safetensors"
    with pytest.raises(UserError, match=r"clip 1\.wav: is no WAV, FLAC, Ogg or MP3 file"):
        decode_clips(index, output, RATE, 2)
    assert not output.exists()


def test_a_clip_that_changed_since_it_was_fetched_is_named(dataset, tmp_path):
    """Still a sound, of the same length; and nothing is written."""
    index, arrays = dataset
    clip = tmp_path / "audio" / "clip 1.wav"
    soundfile.write(clip, np.concatenate([np.zeros(7, np.int16), arrays[1] // 2, np.zeros(11, np.int16)]), RATE)
    output = tmp_path / "features.safetensors"
    with pytest.raises(UserError, match=r"clip 1\.wav: is not the file that was fetched .*run `soundclr fetch"):
        decode_clips(index, output, RATE, 2)
    assert not output.exists()


@pytest.mark.parametrize("part", ["samples", "labels", "metadata"])
def test_a_file_with_flipped_bits_is_refused(dataset, tmp_path, part):
    path = tmp_path / "features.safetensors"
    decode_clips(dataset[0], path, RATE, 1)
    content = bytearray(path.read_bytes())
    first = len(content) - 2 * sum(map(len, dataset[1]))
    place = {"samples": len(content) - 3, "labels": first - 2 * 4 * 8, "metadata": content.index(b'"dog')}[part]
    content[place + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"is damaged \(its SHA-256 is .*, but .* is recorded in it\); remove it and make"
    ):
        Waveforms.load(path)


def test_an_unusable_index_is_refused(tmp_path):
    index = tmp_path / "index.csv"
    (tmp_path / "a.wav").touch()
    write_index(index, [IndexRow("a", "a.wav", 0, "dog", 1, "s")], "made by hand")
    (tmp_path / "a.wav").unlink()
    with pytest.raises(UserError, match=r"index\.csv: clip a is missing"):
        decode_clips(index, tmp_path / "out.safetensors", RATE, 1)


def test_from_arrays_and_immutability():
    arrays = [np.array([1, 2, 3], np.int16), np.array([4], np.int16)]
    waveforms = Waveforms.from_arrays(arrays, RATE)
    assert len(arrays) == 2
    assert waveforms.samples.tolist() == [1, 2, 3, 4]
    assert waveforms.offsets.tolist() == [0, 3, 4]
    assert waveforms.labels.tolist() == waveforms.folds.tolist() == [0, 0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        waveforms.sample_rate = 1
