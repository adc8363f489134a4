"""The picture of `soundclr show`: a clip's image as the network sees it, held out and with each augmentation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.errors import UserError
from soundclr.machine.randomness import generator
from soundclr.params import Choice, Params
from soundclr.report import style
from soundclr.report.letters import legible

SEED = 0


def show(params: Params, study: str, dataset: str, recipe: str, clip: str | None, features: Path, png: Path) -> str:
    """Draw to ``png`` what a run of the study sees of a clip (by default the first); return a line that describes it.

    Raises UserError for a clip that the dataset lacks, and for a file that is neither PNG nor PDF.
    """
    if png.suffix.lower() not in (".png", ".pdf"):
        raise UserError(f"{png}: a picture's name ends in .png or .pdf")
    waveforms = Waveforms.load(features)
    name = waveforms.clips[0] if clip is None else clip
    if name not in waveforms.clips:
        raise UserError(f"{name!r} is no clip of {dataset}; its index.csv names them, such as {waveforms.clips[0]}")
    place = waveforms.clips.index(name)
    settings = params.resolve(study, dataset, recipe)
    inputs = Inputs(waveforms, settings)
    choices = next((stage.augment for stage in settings.stages if "encoder" in stage.trains), ())
    drawn = list(views(inputs, place, choices))
    with style.styled():
        figure = picture([(title, distinct(image)) for title, image in drawn])
        figure.suptitle(legible(f"{name}, {settings.representation.name}"), fontsize=7)
        png.parent.mkdir(parents=True, exist_ok=True)
        style.write(figure, png)
    return f"{png}: {name} ({waveforms.classes[waveforms.labels[place]]}), {len(drawn)} views"


def views(inputs: Inputs, clip: int, choices: Sequence[Choice]) -> Iterator[tuple[str, Tensor]]:
    """Titles and images (channels, ...) of a clip; each augmentation draws random numbers of its own."""
    place = torch.tensor([clip])
    yield "held out", inputs.eval_batch(place, generator(SEED))[0]
    parts = [(choice.name.replace("_", " "), [choice]) for choice in choices]
    for number, (title, part) in enumerate([*parts, ("all of them", choices)] if len(parts) > 1 else parts):
        yield title, inputs.train_batch(place, Augment.from_choices(part), generator(SEED, number))[0]


def distinct(image: Tensor) -> Tensor:
    """The image (channels, ...), with one channel where all are copies of the first."""
    return image[:1] if all(torch.equal(channel, image[0]) for channel in image) else image


def picture(drawn: Sequence[tuple[str, Tensor]]) -> Figure:
    """A column for each view, a row for each channel; colours span the first view's range."""
    channels = len(drawn[0][1])
    figure = style.new_figure(style.PAGE, 0.6 + 1.3 * channels)
    panels = figure.subplots(channels, len(drawn), squeeze=False, sharex="row", sharey="row")
    for column, (title, image) in enumerate(drawn):
        panels[0, column].set_title(title)
        for axes, channel, first in zip(panels[:, column], image, drawn[0][1], strict=True):
            axes.grid(False)
            if channel.dim() == 1:
                axes.plot(channel.numpy(), linewidth=0.3, color=style.COLOURS[0])
                continue
            low, high = float(first.min()), float(first.max())
            axes.imshow(channel.numpy(), origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high)
    for axes in panels[-1]:
        axes.set_xlabel("frame" if drawn[0][1].dim() == 3 else "sample")
    for axes in panels[:, 0]:
        axes.set_ylabel("band" if drawn[0][1].dim() == 3 else "amplitude")
    return figure
