"""What comes from elsewhere: downloads that break off or are corrupted, evil archives, weights that are none."""

import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
import yaml

from soundclr.machine.files import sha256_of_file
from soundclr.params import load, read_params
from soundclr.run.records import write_record
from soundclr.run.runs import find_run
from support.loopback import BODY


def write_params(**changes: Any) -> None:
    """Blocks of params.yaml with other entries laid over them."""
    content = read_params(Path("params.yaml"))
    for block, entries in changes.items():
        content[block] |= entries
    Path("params.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.slow
def test_a_download_breaks_off_and_resumes_or_is_corrupted(project, host, refuse, succeed) -> None:
    source = {
        "url": host.url,
        "file": "net.pth",
        "sha256": hashlib.sha256(BODY).hexdigest(),
    }
    write_params(weights={"trained": {"title": "x", "files": {"resnet18": source}}})
    folder = Path("data/weights")
    fetch, name = "weights trained resnet18", "trained-resnet18.pth"

    host.break_after = 200_000
    said = refuse(fetch)
    assert "stopped sending before the end; run the same command to resume" in said and source["url"] in said
    assert [path.name for path in folder.iterdir()] == [f"{name}.part"]

    host.break_after, host.body = None, BODY[:250_000] + bytes(len(BODY) - 250_000)
    said = refuse(fetch)
    assert "not the expected" in said and "it was not kept" in said
    assert list(folder.iterdir()) == []

    host.break_after, host.body = 100_000, BODY
    refuse(fetch)
    host.break_after = None
    assert succeed(fetch) == f"{folder / name}\n"
    assert (folder / name).read_bytes() == BODY and len(list(folder.iterdir())) == 1


def evil(path: Path, kind: str, outside: Path) -> None:
    """A zip or tar file with a good clip and a bad member: a path or a link that leads to ``outside``."""
    name = {"outside": "top/../../../../evil", "absolute": str(outside)}.get(kind, "top/link")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("top/a.wav", b"clip")
            member = zipfile.ZipInfo(name)
            if kind == "symbolic link":
                member.external_attr = 0o120777 << 16
            file.writestr(member, str(outside))
        return
    with tarfile.open(path, "w:gz") as file:
        for member in (tarfile.TarInfo("top/a.wav"), tarfile.TarInfo(name)):
            member.size = 4
            if member.name == "top/link":
                member.type = tarfile.SYMTYPE if kind == "symbolic link" else tarfile.LNKTYPE
                member.linkname, member.size = str(outside), 0
            file.addfile(member, io.BytesIO(b"clip"))


@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        *((f"esc.{suffix}", kind) for suffix in ("zip", "tar.gz") for kind in ("outside", "absolute", "symbolic link")),
        ("esc.tar.gz", "hard link"),
    ],
)
def test_an_evil_archive(project, refuse, archive, kind) -> None:
    Path("mirror").mkdir()
    evil(Path("mirror") / archive, kind, project / "evil")
    content = read_params(Path("params.yaml"))
    esc50 = {key: value for key, value in content["datasets"]["esc50"].items() if key not in ("sha256", "md5")}
    write_params(datasets={"esc50": {**esc50, "file": archive}})
    said = refuse("fetch esc50 --mirror mirror")
    why = {"outside": "leads out of the folder", "absolute": "has an absolute path"}.get(kind, "is a link or a device")
    assert f"data/downloads/{archive} is not unpacked: its member" in said and why in said
    assert f"from the mirror's mirror/{archive}: replace that one first" in said
    assert not (project / "evil").exists() and not Path("data/esc50").exists()
    assert not list(Path("data/downloads").glob("*unpacked*"))


def test_an_archive_that_holds_too_much(project, refuse) -> None:
    Path("mirror").mkdir()
    with zipfile.ZipFile("mirror/bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(20):
            file.writestr(f"top/{number}.wav", bytes(10**6))
    content = read_params(Path("params.yaml"))
    write_params(datasets={"esc50": {**content["datasets"]["esc50"], "file": "bomb.zip", "max_bytes": 10**7}})
    said = refuse("fetch esc50 --mirror mirror")
    assert "data/downloads/bomb.zip is not unpacked: its members take more than the 10,000,000 bytes" in said
    assert not Path("data/esc50").exists() and not Path("data/downloads/bomb.zip.sha256").exists()


def test_features_before_the_dataset_is_there(project, refuse) -> None:
    said = refuse("features birds")
    assert "data/birds/index.csv: is missing" in said and "soundclr fetch birds" in said


class Trap:
    """Makes the file ``caught`` when unpickled by something that runs what it reads."""

    def __reduce__(self) -> tuple[Any, ...]:
        return open, ("caught", "w")


def spoil(kind: str, good: dict[str, torch.Tensor], path: Path) -> None:
    """A file at ``path`` that should be the state dict ``good``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(good, path)
    if kind == "another architecture":
        torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), path)
    elif kind == "a trap":
        torch.save({**good, "extra": Trap()}, path)
    elif kind == "a bare trap":
        path.write_bytes(pickle.dumps(Trap(), protocol=2))
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif kind == "a page of the internet":
        path.write_text("<html>not found</html>")
    else:
        del good[next(iter(good))]
        torch.save(good, path)


KINDS = ["another architecture", "a trap", "a bare trap", "truncated", "a page of the internet", "a tensor short"]


@pytest.fixture(scope="module")
def resnet18() -> dict[str, torch.Tensor]:
    return torchvision.models.resnet18(weights=None).state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_initial_weights_that_are_none(project, refuse, resnet18, kind) -> None:
    weights = Path("data/weights/own-resnet18.pth")
    spoil(kind, dict(resnet18), weights)
    file = {"file": "own.pth", "sha256": sha256_of_file(weights)}
    write_params(
        weights={"own": {"title": "x", "files": {"resnet18": file}}},
        recipes={"deep": {"title": "x", "settings": {"encoder": "resnet18", "start": {"weights": "own"}}}},
    )
    said = refuse("train --dataset toy --recipe deep --fold 1")
    assert f"{weights}: " in said and said.endswith("fetch it again")
    assert ("not the weights of this encoder" in said) == (kind in ("another architecture", "a tensor short"))
    assert not Path("results").exists() and not Path("caught").exists()


def test_a_runs_model_that_is_none(project, refuse, succeed) -> None:
    said = succeed("train --dataset toy --recipe hybrid --fold 1")
    folder = said.strip().split(": ")[-1].removesuffix("/metrics.json")
    model = find_run(load(Path("params.yaml")), "toy", "toy", "hybrid", 1, 0).model()
    good = torch.load(model, weights_only=True)
    metrics = json.loads(Path(folder, "metrics.json").read_text())
    del metrics["checksum"]
    for kind in KINDS:
        spoil(kind, dict(good), model)
        said = refuse(f"classify sounds/wren0.wav --run {folder}")
        assert f"{model}: is damaged" in said and "train the run again" in said
        write_record(Path(folder, "metrics.json"), metrics | {"model_sha256": sha256_of_file(model)})
        said = refuse(f"classify sounds/wren0.wav --run {folder}")
        assert f"{model}: is not a model of this version" in said and "train the run again" in said
        write_record(Path(folder, "metrics.json"), metrics)
        assert not Path("caught").exists()


@pytest.mark.parametrize("kind", ["truncated", "text", "pickle", "empty"])
def test_features_that_are_none(project, refuse, kind) -> None:
    path = next(Path("data/features").iterdir())
    content = path.read_bytes()
    path.write_bytes(
        {"truncated": content[: len(content) // 2], "text": b"no features", "empty": b""}.get(
            kind, pickle.dumps(Trap(), protocol=2)
        )
    )
    said = refuse("train --dataset toy --recipe hybrid --fold 1")
    assert f"{path}: is cut off or not a features file" in said and "make the features again" in said
    assert not Path("results").exists() and not Path("caught").exists()
