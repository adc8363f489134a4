"""The benchmark's bookkeeping on made-up rows, and that both sides do the same work. Nothing is timed."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import clar, problem, store, time_to_accuracy
from benchmarks.__main__ import MODULES, main, parser
from benchmarks.context import Context, Row
from benchmarks.machine import machine
from benchmarks.timing import in_turns
from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params.entries import entry_of

MACHINE = {
    "device": "Toy GPU (80 GB)",
    "cpu": "Toy",
    "cpu_units": ["avx2"],
    "cores": 4,
    "threads": 4,
    "memory_gb": 8.0,
    "gpu_memory_gb": 80.0,
    "precision": "bfloat16",
    "python": "3.12.0",
    "torch": "2.11.0",
}


def row(name="one", kind="speed-up", ours=(2.0, 1.0, 9.0), against=(6.0, 4.0, 5.0), target=None, note=""):
    return Row(name, f"what {name} is", kind, "s", "ours", ours, "the other" if against else "", against, target, note)


def test_ratio_is_of_the_medians_and_a_target_is_a_bound():
    fast = row(target=2.5)
    assert (fast.ratio, fast.reached) == (2.5, True)
    assert row(target=2.6).reached is False
    dear = row(kind="cost", target=0.4)
    assert (dear.ratio, dear.reached) == (0.4, True)
    assert row(kind="cost", target=0.39).reached is False
    assert row().reached is None
    assert row(against=()).ratio is None


def test_sides_take_turns_and_the_warm_up_does_not_count():
    called = []

    def side(name):
        return lambda: called.append(name) or len(called)

    assert in_turns([side("a"), side("b")], repeats=2) == [[3, 5], [4, 6]]
    assert called == list("ababab")


@pytest.mark.parametrize(
    ("device", "name"),
    [("AMD EPYC, 2 threads", "amd-epyc-2-threads"), ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3")],
)
def test_slug(device, name):
    assert store.slug(device) == name


def stored(folder):
    return {r["name"]: r for r in json.loads((folder / "toy-gpu-80-gb-bfloat16.json").read_text())["rows"]}


def test_rows_are_merged_by_name_and_a_quick_one_never_replaces_a_full_one(tmp_path):
    def record(*rows, quick=False):
        store.record(tmp_path, MACHINE, [store.entry(r, "module", quick) for r in rows])

    record(row("one"), row("two", ours=(1.0,)))
    record(row("two", ours=(3.0,)), row("three"))
    assert list(stored(tmp_path)) == ["one", "two", "three"]
    assert stored(tmp_path)["two"]["ours_median"] == 3.0
    record(row("two", ours=(7.0,)), row("four", ours=(7.0,)), quick=True)
    assert stored(tmp_path)["two"]["ours_median"] == 3.0
    assert stored(tmp_path)["four"]["quick"] is True
    record(row("four", ours=(8.0,)))
    assert stored(tmp_path)["four"] | {"date": ""} == {
        **{"name": "four", "module": "module", "what": "what four is", "kind": "speed-up", "unit": "s"},
        **{"ours": "ours", "against": "the other", "ours_median": 8.0, "ours_range": [8.0, 8.0]},
        **{"against_median": 5.0, "against_range": [4.0, 6.0], "repeats": 1, "ratio": 0.625, "target": None},
        **{"reached": None, "note": "", "quick": False, "date": ""},
        **{key: stored(tmp_path)["four"][key] for key in ("git_commit", "git_dirty")},
    }


def test_another_machine_of_the_same_name_is_refused(tmp_path):
    store.record(tmp_path, MACHINE, [])
    with pytest.raises(UserError, match=r"toy-gpu-80-gb-bfloat16.json: is of another machine \(cores 4, here 8\)"):
        store.record(tmp_path, {**MACHINE, "cores": 8}, [])


def test_the_readme_has_a_table_for_each_machine(tmp_path):
    rows = [row(target=3), row("two", "cost", target=1.5, note="a floor"), row("three", against=())]
    store.record(tmp_path, MACHINE, [store.entry(r, "m", False) for r in rows])
    store.record(tmp_path, {**MACHINE, "device": "Other", "cores": 1, "threads": 1}, [store.entry(row(), "m", True)])
    text = (tmp_path / "README.md").read_text()
    assert text.index("## Other, bfloat16") < text.index("## Toy GPU (80 GB), bfloat16")
    assert "CPU: Toy, 4 cores (avx2), 4 threads, 8.0 GB, GPU 80.0 GB; encoder in bfloat16; torch 2.11.0" in text
    assert "CPU: Toy, 1 core (avx2), 1 thread, 8.0 GB" in text
    assert "| what one is | 2 (ours) | 5 (the other) | s | 2.50 | ≥ 3 | **no** | 3 |" in text
    assert "| what two is | 2 (ours) | 5 (the other) | s | 0.40 | ≤ 1.5 | yes | 3 |" in text
    assert "| what three is | 2 (ours) |  | s |  |  |  | 3 |" in text
    assert "what one is **(quick run)**" in text
    assert "- what two is: a floor" in text


def test_a_quick_run_of_a_module_is_recorded(repo, tmp_path, monkeypatch):
    def measure(context):
        assert context.quick and context.root == repo and context.device == torch.device("cpu")
        yield row("tiny")

    monkeypatch.setattr("benchmarks.__main__.importlib.import_module", lambda name: SimpleNamespace(measure=measure))
    options = ["--quick", "--only", "features", "--device", "cpu"]
    assert main([*options, "--output", str(tmp_path), "--params", str(repo / "params.yaml")]) == 0
    [file] = tmp_path.glob("*.json")
    content = json.loads(file.read_text())
    assert [r["name"] for r in content["rows"]] == ["tiny"]
    assert content["machine"].keys() == MACHINE.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(MODULES) - {"jobs"}))  # which needs a GPU
def test_each_module_measures_what_it_is_for(repo, tmp_path, name):
    pytest.importorskip("librosa")
    options = ["--quick", "--only", name, "--device", "cpu", "--output", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "benchmarks", *options], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [file] = tmp_path.glob("*.json")
    rows = json.loads(file.read_text())["rows"]
    assert {row["module"] for row in rows} == {name}
    assert all(row["ours"] for row in rows)


def test_what_cannot_be_measured_is_one_line(repo, tmp_path, capsys):
    options = ["--only", "features", "--output", str(tmp_path), "--params", str(repo / "params.yaml")]
    assert main([*options, "--device", "toaster"]) == 2
    assert "--device toaster: not a device of this machine" in capsys.readouterr().err


def test_a_file_of_another_machine_is_refused_before_anything_is_measured(repo, tmp_path, monkeypatch, capsys):
    here = machine(torch.device("cpu"))
    store.record(tmp_path, {**here, "cores": here["cores"] + 1}, [])
    monkeypatch.setattr("benchmarks.__main__.importlib.import_module", lambda name: pytest.fail("measured"))
    options = ["--only", "data_path", "--device", "cpu", "--output", str(tmp_path)]
    assert main([*options, "--params", str(repo / "params.yaml")]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("benchmark: error: ") and "is of another machine (cores " in said and "--output" in said


def test_a_sparse_features_file_can_be_loaded(tmp_path):
    problem.write_sparse(tmp_path / "f.safetensors", 7, 1_000_000)
    waveforms = Waveforms.load(tmp_path / "f.safetensors")
    assert (len(waveforms), len(waveforms.samples)) == (7, 7_000_000)
    assert waveforms.folds.tolist() == [1, 2, 3, 4, 5, 1, 2]
    assert (tmp_path / "f.safetensors").stat().st_blocks * 512 < 1_000_000


def test_processors_of_one_name_that_compute_otherwise_have_files_of_their_own(tmp_path):
    other = {**MACHINE, "cpu_units": ["avx512_bf16"], "precision": "float32"}
    paths = [store.record(tmp_path, one, []) for one in (MACHINE, other)]
    assert [path.name for path in paths] == ["toy-gpu-80-gb-bfloat16.json", "toy-gpu-80-gb-float32.json"]


@pytest.mark.slow
def test_the_other_sides_image_is_ours(repo, tmp_path):
    """Unscaled, centred clips without masks: the same spectrogram, so both sides do the same work."""
    baseline = pytest.importorskip("benchmarks.baseline")
    settings = problem.run_settings(load_checked(repo / "params.yaml"), "cross_entropy", 2)
    settings = settings.model_copy(update={"stages": (settings.stages[0].model_copy(update={"augment": ()}),)})
    arrays = [clip for clip in problem.clips(8) if clip[-1] != 0][:2]
    paths = baseline.write_wavs(arrays, problem.RATE, tmp_path)
    ours = Inputs(problem.waveforms(arrays), settings).eval_batch(torch.arange(2), torch.Generator())[:, 0]
    others = np.stack([baseline.image(path, settings, np.random.default_rng(0)) for path in paths])
    np.testing.assert_allclose(ours.numpy(), others, atol=0.02)


def clar_settings(repo, **settings):
    params = load_checked(repo / "params.yaml")
    study = problem.parameters(params, 16_000, 16_000, representation="clar", crop={"train": "centre"}, **settings)
    return study.resolve(problem.NAME, problem.NAME, "cross_entropy")


@pytest.mark.slow
def test_the_other_sides_channels_are_ours(repo, tmp_path):
    """CLAR's, of words without augmentation."""
    baseline = pytest.importorskip("benchmarks.baseline")
    baseline_clar = pytest.importorskip("benchmarks.baseline_clar")
    settings, arrays = clar_settings(repo, augment=[]), problem.clips(3, 16_000)
    paths = baseline.write_wavs(arrays, 16_000, tmp_path)
    inputs = Inputs(problem.waveforms(arrays, 16_000), settings)
    ours = inputs.train_batch(torch.arange(3), Augment(), torch.Generator()).numpy()
    others = np.stack([baseline_clar.image(path, settings, np.random.default_rng(0)) for path in paths])
    np.testing.assert_allclose(ours[:, [0, 2]], others[:, [0, 2]], atol=0.1)
    loud = others[:, 0] > -40  # where a phase means something
    assert np.abs(np.exp(1j * ours[:, 1][loud]) - np.exp(1j * others[:, 1][loud])).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", list(clar.ALONE))
def test_the_other_sides_augmentations_do_as_ours(repo, name):
    """Both change clips of a tone as much, in the mean."""
    baseline_clar = pytest.importorskip("benchmarks.baseline_clar")
    [choice] = clar_settings(repo, augment=[name], augmentations={name: {"probability": 1.0}}).stages[0].augment
    entry = entry_of(AUGMENTATIONS, choice, "augmentation", "here")
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000, dtype=np.float32) / 16_000)
    random = np.random.default_rng(0)
    others = np.stack([baseline_clar.CHANGES[name](tone, entry, random) for _ in range(12)])
    ours = entry(torch.from_numpy(tone).expand(12, -1), torch.Generator().manual_seed(0)).numpy()
    assert others.shape == ours.shape and not np.array_equal(others[0], tone)
    assert np.square(ours).mean() == pytest.approx(np.square(others).mean(), rel=0.25)


def test_the_other_sides_held_out_image_is_ours(repo, tmp_path):
    """Nothing is random in it, whatever the settings augment."""
    baseline = pytest.importorskip("benchmarks.baseline")
    settings = problem.run_settings(load_checked(repo / "params.yaml"), "cross_entropy", 2)
    assert settings.stages[0].augment
    arrays = problem.clips(2, problem.SAMPLES + 5000)[:1] + problem.clips(2, problem.SAMPLES - 30000)[:1]
    paths = baseline.write_wavs(arrays, problem.RATE, tmp_path)
    ours = Inputs(problem.waveforms(arrays), settings).eval_batch(torch.arange(2), torch.Generator())[:, 0]
    images = baseline.Images(paths, [0, 1], settings, 2, held_out=True)
    np.testing.assert_allclose(ours.numpy(), np.stack([images[i][0][0] for i in range(2)]), atol=0.02)


@pytest.fixture
def usual(repo, tmp_path):
    """The usual way on ten short clips, two of each fold, three epochs of batches of three."""
    pytest.importorskip("librosa")
    from benchmarks.baseline import write_wavs
    from benchmarks.usual import Usual, usual_settings

    params = load_checked(repo / "params.yaml")
    training = {"batch_size": 3}
    content = problem.parameters(params, 11025, encoder="small", start={"weights": "none"}, training=training)
    settings = usual_settings(content, problem.NAME, problem.NAME, "cross_entropy", 3)
    stage = settings.stages[0]
    training = stage.training.model_copy(update={"batch_size": 3})
    settings = settings.model_copy(update={"stages": (stage.model_copy(update={"training": training}),)})
    arrays = problem.clips(10, 11025)
    paths = write_wavs(arrays, problem.RATE, tmp_path)
    context = SimpleNamespace(device=torch.device("cpu"), cores=0)  # no workers
    return Usual(context, settings, problem.waveforms(arrays), paths, None)


def test_the_usual_way_learns_every_clip_of_the_other_folds_once_an_epoch(usual):
    waveforms = usual.waveforms
    train = usual.train_clips(2)
    assert [waveforms.folds[clip] == 2 for clip in train] == [False] * 8
    found = [(epoch, images, labels.tolist()) for epoch, images, labels in usual.batches(2)]
    assert [epoch for epoch, _, _ in found] == [0] * 3 + [1] * 3 + [2] * 3
    assert [len(labels) for _, _, labels in found] == [3, 3, 2] * 3
    for epoch in range(3):
        labels = [label for at, _, batch in found for label in batch if at == epoch]
        assert sorted(labels) == sorted(waveforms.labels[train].tolist())
    first, second = (torch.cat([images for at, images, _ in found if at == epoch]) for epoch in (0, 1))
    assert not any(torch.equal(one, other) for one in first for other in second)  # drawn anew
    assert usual.train(2) in (0.0, 50.0, 100.0)


def test_the_usual_way_has_the_papers_schedule_on_the_studys_network(repo):
    pytest.importorskip("librosa")
    from benchmarks.usual import usual_settings

    params = load_checked(repo / "params.yaml")
    found = usual_settings(params, "esc10", "esc10", "cross_entropy", 40).stages[0]
    study, paper = (params.resolve(name, "esc10", "cross_entropy") for name in ("esc10", "paper"))
    assert found.schedule == paper.stages[0].schedule
    wanted = {"epochs": 40, "patience": 40}
    assert found.training == paper.stages[0].training.model_copy(update=wanted)
    assert found.augment == study.stages[0].augment
    whole = usual_settings(params, "esc10", "esc10", "cross_entropy", 40)
    assert (whole.encoder, whole.representation, whole.start) == (study.encoder, study.representation, study.start)


def result(percent, seconds, epochs=20):
    return time_to_accuracy.Result(percent, seconds, 1600 * epochs, epochs)


@pytest.mark.parametrize(
    ("ours", "others", "ratio", "said"),
    [
        (result(94.0, 100), [result(94.5, 300, 40), result(90, 150)], 3.0, "ours: 94.00 % after 20 epochs"),
        (result(95.0, 100), [result(93.9, 300)], None, "NOT REACHED by the other, so the ratio is above 3.0; ours"),
        (result(95.0, 100), [result(93.9, 308)], None, "NOT REACHED by the other, so the ratio is above 3.0; ours"),
        (result(93.9, 100), [result(95, 300)], None, "NOT REACHED by ours, so the ratio is not known"),
        (result(93.9, 100), [result(93, 300)], None, "NOT REACHED by ours and the other, so the ratio is not known"),
    ],
)
def test_a_target_that_is_not_reached_gives_no_ratio(repo, ours, others, ratio, said):
    context = Context(load_checked(repo / "params.yaml"), torch.device("cpu"), repo, repo)
    trial = time_to_accuracy.trial_of(context)
    until, speed = time_to_accuracy.rows(context, trial, ours, others)
    assert (until.ratio, until.reached) == (ratio, None)
    assert until.note.startswith(said)
    assert all(other.text in until.note for other in others)
    assert "ESC-10, 5 folds until the mean of their last epochs is 94 %" in until.what
    assert speed.ours == [1000 * ours.seconds / ours.clips]
    assert speed.against == [1000 * others[0].seconds / others[0].clips]
    for one in (until, speed):
        assert store.line(store.entry(one, "time_to_accuracy", False)).startswith(f"| {one.what} |")


def test_what_takes_hours_is_measured_only_where_it_is_named():
    assert "time_to_accuracy" not in parser().parse_args([]).only
    assert parser().parse_args(["--only", "time_to_accuracy"]).only == ["time_to_accuracy"]


def test_the_package_imports_no_benchmark(repo):
    sources = (file.read_text(encoding="utf-8") for file in (repo / "src").rglob("*.py"))
    assert not any(re.search(r"^\s*(import|from) benchmarks", source, re.MULTILINE) for source in sources)


def test_the_machine_names_its_device():
    here = machine(torch.device("cpu"))
    assert here["device"].startswith(here["cpu"])
