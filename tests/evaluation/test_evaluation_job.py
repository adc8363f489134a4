"""The evaluation of a toy run's model: what it writes, that it agrees with the run, and what it refuses."""

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.evaluation import job
from soundclr.evaluation.noise import Noise, add, draw
from soundclr.machine.files import sha256_of_file, sha256_of_json
from soundclr.machine.provenance import code_version
from soundclr.models.load import load_run
from soundclr.models.network import Encoder, Network
from soundclr.params import Params
from soundclr.run.records import write_record
from soundclr.run.runs import evaluation_key, find_run
from soundclr.training.job import Paths, run_job
from support import toy

CPU = torch.device("cpu")
SIGMAS, SNR = [0.0, 0.1], [20, -5]


def parameters(repo, evaluation=None, **settings):
    content = toy.content(repo)
    content["evaluation"] |= {"sigmas": SIGMAS, "snr": SNR} | (evaluation or {})
    content["studies"]["toy"]["settings"] |= settings
    content["studies"]["toy"]["settings"]["training"] |= {"epochs": 2}
    return Params.model_validate(content)


@pytest.fixture(scope="module")
def params(repo):
    return parameters(repo)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return toy.write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


def train(params, features, results, recipe="hybrid"):
    run = find_run(params, "toy", "toy", recipe, 2, 1)
    run_job(run, params, Paths(features, None, results), CPU)
    return run


@pytest.fixture(scope="module")
def trained(params, features, tmp_path_factory):
    """The results with one run, and the run."""
    results = tmp_path_factory.mktemp("results")
    return results, train(params, features, results)


@pytest.fixture
def results(trained, tmp_path):
    """A copy of the results, to be damaged."""
    return shutil.copytree(trained[0], tmp_path / "results")


def evaluated(run, params, features, results):
    return json.loads(job.evaluate_job(run, params, features, results, CPU).read_text(encoding="utf-8"))


def rights(evaluation):
    return {(row["noise"], row["sigma"], row["snr_db"]): row["right"] for row in evaluation["accuracy"]}


def test_the_files_of_an_evaluation(params, features, trained, results):
    run = trained[1]
    path = job.evaluate_job(run, params, features, results, CPU)
    key = evaluation_key(params)
    assert path == results / f"toy/evaluations/{run.group}/fold2-seed1/{key}/evaluation.json"
    assert sorted(p.name for p in path.parent.iterdir()) == ["answers.csv", "evaluation.json", "projection.csv"]
    evaluation = json.loads(path.read_text(encoding="utf-8"))
    checksum = evaluation.pop("checksum")
    assert checksum == sha256_of_json(evaluation)
    metrics = json.loads((run.directory(results) / "metrics.json").read_text(encoding="utf-8"))
    expected = {
        "format": 3,
        "study": "toy",
        "dataset": "toy",
        "recipe": "hybrid",
        "recipe_hash": run.hash,
        "fold": 2,
        "seed": 1,
        "key": key,
        "settings": {"sigmas": SIGMAS, "noises": ["white", "pink"], "snr": SNR, "seed": 0},
        "epoch": "last",
        "model_sha256": sha256_of_file(run.model(results)),
        **{what: metrics[what] for what in ("model_sha256", "index_sha256", "features_sha256")},
        "code": code_version(),
        "clips": 9,
        "precision": "float32",
        "files": {name: sha256_of_file(path.with_name(name)) for name in ("projection.csv", "answers.csv")},
    }
    assert {name: evaluation[name] for name in expected} == expected
    assert set(evaluation) - set(expected) == {
        "accuracy", "distances", "projection_distances", "logit_distances", "device", "git_commit", "git_dirty",
        "versions", "created",
    }  # fmt: skip
    assert set(evaluation["versions"]) >= {"python", "torch", "numpy", "scikit-learn", "soundclr"}
    for space in ("distances", "projection_distances", "logit_distances"):
        assert set(evaluation[space]) == {"intra", "inter", "ratio", "silhouette"}
    assert list(rights(evaluation)) == [
        *(("white", sigma, None) for sigma in SIGMAS),
        *((noise, None, ratio) for noise in ("white", "pink") for ratio in SNR),
    ]
    assert all(row["accuracy"] == row["right"] / 9 for row in evaluation["accuracy"])

    rows = list(csv.DictReader(io.StringIO(path.with_name("projection.csv").read_text(encoding="utf-8"))))
    _, labels, folds, names = toy.arrays()
    held_out = [
        (name, str(label), toy.CLASSES[label])
        for name, label, fold in zip(names, labels, folds, strict=True)
        if fold == 2
    ]
    assert list(rows[0]) == ["clip", "label", "class", "x", "y"]
    assert [(row["clip"], row["label"], row["class"]) for row in rows] == held_out
    assert all(np.isfinite(float(row[axis])) for row in rows for axis in "xy")


@pytest.mark.parametrize("recipe", ["cross_entropy", "supervised_contrastive"])
@pytest.mark.parametrize("crop", ["centre", "random"])
def test_without_noise_it_is_the_last_epochs_accuracy(repo, features, tmp_path, recipe, crop):
    """Also where held-out clips are cropped at random, after training of a few batches: the places are the same."""
    params = parameters(repo, crop={"eval": crop})
    run = train(params, features, tmp_path, recipe)
    logits = outputs_of(params, features, tmp_path, run)[0]
    rows = csv.reader(io.StringIO((run.directory(tmp_path) / "predictions.csv").read_text(encoding="utf-8")))
    last = torch.tensor([[float(p) for p in row[4:]] for row in rows if row[3] == "last"])
    torch.testing.assert_close(logits.softmax(1), last, rtol=0, atol=1e-6)
    metrics = json.loads((run.directory(tmp_path) / "metrics.json").read_text(encoding="utf-8"))
    clean = evaluated(run, params, features, tmp_path)["accuracy"][0]
    assert (clean["sigma"], clean["accuracy"]) == (0, metrics["accuracy"]["last_epoch"])


def outputs_of(params, features, results, run):
    """The logits that the evaluation's network gives, condition by condition in the order in which it is asked."""
    seen, heads = [], Network.heads

    def noted(self, representations):
        seen.append((found := heads(self, representations))[1])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "heads", noted)
        evaluated(run, params, features, results)
    batches = params.resolve("toy", "toy", run.recipe).stages[-1].training.batch_size
    per_batch = len(seen) // -(-9 // batches)
    return [torch.cat(seen[condition::per_batch]) for condition in range(per_batch)]


def test_against_one_clip_and_one_noise_at_a_time(params, features, trained, results):
    """The plain way to the same numbers, without any sharing: what is right and where representations lie."""
    run = trained[1]
    _, settings, network = load_run(run.directory(results))
    waveforms = toy.waveforms()
    inputs = Inputs(waveforms, settings)
    evaluation = evaluated(run, params, features, results)
    answers = {noise: [] for noise in rights(evaluation)}
    spaces, labels = {"distances": [], "projection_distances": [], "logit_distances": []}, []
    with torch.inference_mode():
        for clip in (waveforms.folds == 2).nonzero()[:, 0]:
            [(wave, own)] = inputs.eval_waveforms(clip[None], torch.Generator())
            labels.append(int(waveforms.labels[clip]))
            h = network.represent(inputs.images([wave]))
            for space, row in zip(spaces.values(), (h, *network.heads(h)), strict=True):
                space.append(row[0].double().numpy() / np.linalg.norm(row[0].double().numpy()))
            for colour, sigma, ratio in answers:
                noise = draw(0, [waveforms.clips[clip]], colour, toy.SAMPLES, CPU)
                noisy = add(wave, own, noise, Noise(colour, sigma, ratio))
                answers[colour, sigma, ratio].append(int(network(inputs.images([noisy]))[1].argmax()))
    expected = {noise: sum(map(int.__eq__, given, labels)) for noise, given in answers.items()}
    assert rights(evaluation) == expected
    key = evaluation_key(params)
    text = (run.evaluation(key, results) / "answers.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["label"]) for row in rows] == labels
    for noise, given in answers.items():
        assert [int(row[Noise(*noise).column]) for row in rows] == given
    assert len(set(expected.values())) > 1  # noise without an effect would prove nothing
    for name, rows in spaces.items():
        same = [1 - rows[i] @ rows[j] for i in range(9) for j in range(i) if labels[i] == labels[j]]
        assert evaluation[name]["intra"] == pytest.approx(np.mean(same), abs=1e-5)


def test_all_schemes_get_the_same_noise(repo, params, features, tmp_path, monkeypatch):
    """Whatever the scheme and the batch size are, the noisy waveforms are bit for bit the same."""
    listened = []
    for number, recipe in enumerate(("hybrid", "cross_entropy")):
        waves = {}

        def keep(part, own, noise, level, waves=waves):
            noisy = add(part, own, noise, level)
            waves.setdefault(level, []).append(noisy)
            return noisy

        monkeypatch.setattr(job, "add", keep)
        content = toy.content(repo)
        content["studies"]["toy"]["settings"]["training"] |= {"epochs": 1, "batch_size": 4 + number}
        other = Params.model_validate(content | {"evaluation": params.evaluation.model_dump()})
        run = train(other, features, tmp_path, recipe)
        evaluated(run, other, features, tmp_path)
        listened.append({level: torch.cat(parts) for level, parts in waves.items()})
    one, two = listened
    assert one.keys() == two.keys() and len(one) == 5  # without noise nothing is added
    assert all(torch.equal(one[level], two[level]) for level in one)


def test_a_second_evaluation_differs_only_in_time(params, features, trained, results):
    run = trained[1]
    one, two = (evaluated(run, params, features, results) for _ in range(2))
    for key in ("created", "checksum", "git_commit", "git_dirty"):
        one.pop(key), two.pop(key)
    assert one == two


def test_other_noise_is_another_folder(repo, params, features, trained, results):
    run = trained[1]
    other = parameters(repo, {"sigmas": [0.0, 0.2]})
    paths = [job.evaluate_job(run, p, features, results, CPU) for p in (params, other)]
    assert paths[0].parent.parent == paths[1].parent.parent and paths[0] != paths[1]
    assert find_run(other, "toy", "toy", "hybrid", 2, 1) == run


def test_evaluation_json_is_written_last(params, features, trained, results, monkeypatch):
    run = trained[1]
    folder = job.evaluate_job(run, params, features, results, CPU).parent
    monkeypatch.setattr(job, "write_text", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        job.evaluate_job(run, params, features, results, CPU)
    assert not (folder / "evaluation.json").exists()


def refused(message, run, params, features, results):
    with pytest.raises(UserError, match=message) as error:
        job.evaluate_job(run, params, features, results, CPU)
    assert "\n" not in str(error.value)
    assert not (results / "toy/evaluations").exists()


def test_a_run_without_its_model_or_metrics(params, features, trained, results):
    run = trained[1]
    run.model(results).unlink()
    refused(r"fold2-seed1\.pt: the run's model is missing; pull the model or train", run, params, features, results)
    (run.directory(results) / "metrics.json").unlink()
    refused("not a finished run", run, params, features, results)


def test_a_model_that_is_not_finite(params, features, trained, results):
    run = trained[1]
    state = torch.load(run.model(results))
    state["encoder.blocks.3.0.weight"].fill_(float("nan"))
    torch.save(state, run.model(results))
    say(run, results, model_sha256=sha256_of_file(run.model(results)))
    refused(r"fold2-seed1\.pt: gives values that are not finite", run, params, features, results)


def say(run, results, **changes):
    """Change what the run's metrics.json says, with its checksum."""
    path = run.directory(results) / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    del metrics["checksum"]
    write_record(path, metrics | changes)


def test_a_model_with_flipped_bits(params, features, trained, results):
    """PyTorch reads it all the same."""
    run = trained[1]
    model = run.model(results)
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 64
    model.write_bytes(content)
    torch.load(model, weights_only=True)
    command = "soundclr train --study toy --dataset toy --recipe hybrid --fold 2 --seed 1 --force"
    remedy = f"remove it, then pull the model or train the run again: `{command}`"
    refused(rf"fold2-seed1\.pt: is damaged .*SHA-256 .*; {remedy}", run, params, features, results)


def test_metrics_that_were_cut_short(params, features, trained, results):
    run = trained[1]
    path = run.directory(results) / "metrics.json"
    path.write_text(path.read_text()[:300])
    remedy = "restore the run folder from git or delete it and train the run again"
    refused(rf"metrics\.json: cannot be read .*; {remedy}", run, params, features, results)


@pytest.mark.parametrize(("clips", "allowed", "not_allowed"), [(60, 1, 2), (400, 4, 5), (1, 1, None)])
def test_without_noise_the_model_is_as_good_as_it_was(clips, allowed, not_allowed):
    """Up to a clip, or 1 % of them, may differ: devices round differently."""
    right = clips // 2
    for difference in (-allowed, 0, allowed):
        job.check_clean(Path("x.pt"), right + difference, right, clips)
    for difference in (-1, 1) if not_allowed else ():
        with pytest.raises(UserError) as error:
            job.check_clean(Path("x.pt"), right + difference * not_allowed, right, clips)
        counts = f"{right + difference * not_allowed} of {clips} clips are right without noise, but {right} were after"
        assert counts in str(error.value)


def test_a_model_that_is_not_the_last_epochs(params, features, trained, results):
    run = trained[1]
    metrics = json.loads((run.directory(results) / "metrics.json").read_text(encoding="utf-8"))
    right = round(9 * metrics["accuracy"]["last_epoch"])
    other = right + 3 if right < 5 else right - 3
    say(run, results, accuracy={**metrics["accuracy"], "last_epoch": other / 9})
    message = f"{right} of 9 clips are right without noise, but {other} were after its last epoch"
    refused(message, run, params, features, results)


def test_a_run_computes_in_its_own_precision(repo, features, tmp_path, monkeypatch, capsys):
    """Also where that is slow, which one line says."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    content = toy.content(repo)
    content["studies"]["toy"]["settings"]["training"] |= {"epochs": 1, "precision": "bfloat16"}
    params = Params.model_validate(content)
    run = train(params, features, tmp_path)
    seen, forward = set(), Encoder.forward

    def noted(self, images):
        seen.add((found := forward(self, images)).dtype)
        return found

    monkeypatch.setattr(Encoder, "forward", noted)
    assert evaluated(run, params, features, tmp_path)["precision"] == "bfloat16"
    assert seen == {torch.bfloat16}
    metrics = json.loads((run.directory(tmp_path) / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["precision"] == "bfloat16"
    assert capsys.readouterr().err.count("has no units for bfloat16, the run's precision, so it is slow") == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("low", "middle", "shrill")}, "its classes differ from those that"),
        ({"folds": torch.ones(27, dtype=torch.int64)}, "no clip of toy is in fold 2"),
        ({"index_sha256": "2" * 64}, f"comes from the index {'2' * 64}, but .* was trained on the index {'0' * 64}"),
    ],
)
def test_features_of_other_clips(params, trained, results, tmp_path, changes, message):
    features = toy.write_features(tmp_path / "other.safetensors", dataclasses.replace(toy.waveforms(), **changes))
    refused(message, trained[1], params, features, results)
