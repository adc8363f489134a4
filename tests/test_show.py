"""What `soundclr show` draws: the images that a run's own batches have."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch

from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.machine.randomness import generator
from soundclr.params import Params
from soundclr.report.clip import distinct, picture, show, views
from support import toy


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return Params.model_validate(toy.content(repo))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write_features(tmp_path_factory.mktemp("show") / "toy.safetensors")


def test_each_view_has_its_augmentation_alone(params: Params) -> None:
    settings = params.resolve("toy", "toy", "hybrid")
    inputs = Inputs(toy.waveforms(), settings)
    (stage,) = settings.stages
    found = dict(views(inputs, 4, stage.augment))
    assert list(found) == ["held out", "scale", "frequency mask", "time mask", "all of them"]
    held_out = inputs.eval_batch(torch.tensor([4]), generator(0))[0]
    assert torch.equal(found["held out"], held_out)
    silent = {title: image == -80 for title, image in found.items()}

    def masked(title: str, along: int) -> bool:
        """Whether a whole band or frame is silence, which none of the clip's own is."""
        return bool(silent[title][0].all(dim=along).any())

    assert not masked("held out", 1) and not masked("held out", 0)
    assert masked("frequency mask", 1) and not masked("frequency mask", 0)
    assert masked("time mask", 0) and not masked("time mask", 1)
    again = dict(views(inputs, 4, stage.augment))
    assert all(torch.equal(again[title], image) for title, image in found.items())


def test_copies_of_a_channel_are_drawn_once() -> None:
    image = torch.arange(12.0).reshape(1, 3, 4)
    assert distinct(image.expand(3, -1, -1)).shape == (1, 3, 4)
    assert distinct(torch.cat([image, image + 1])).shape == (2, 3, 4)
    figure = picture([("one", torch.cat([image, image + 1])), ("other", torch.zeros(2, 3, 4))])
    assert [len(axes.images) for axes in figure.axes] == [1] * 4
    assert [axes.images[0].get_clim() for axes in figure.axes[2:]] == [(1.0, 12.0)] * 2  # of the first view's row
    assert [len(axes.lines) for axes in picture([("waveform", torch.zeros(1, 8))]).axes] == [1]


def test_it_writes_a_picture(params: Params, features: Path, tmp_path: Path) -> None:
    said = show(params, "toy", "toy", "hybrid", None, features, tmp_path / "new" / "shown.png")
    name = toy.waveforms().clips[0]
    assert said == f"{tmp_path}/new/shown.png: {name} (low), 5 views"
    assert np.asarray(matplotlib.image.imread(tmp_path / "new" / "shown.png")).shape[1] == 2100


@pytest.mark.parametrize(
    ("clip", "file", "said"),
    [("dog", "x.png", "'dog' is no clip of toy; "), (None, "x", "x: a picture's name ends in .png or .pdf")],
)
def test_what_cannot_be_drawn_is_one_line(
    params: Params, features: Path, tmp_path: Path, clip: str | None, file: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        show(params, "toy", "toy", "hybrid", clip, features, tmp_path / file)
    assert not list(tmp_path.iterdir())
