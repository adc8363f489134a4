"""The block ``weights`` of params.yaml: files of initial weights, and how to get a state dict from them."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from soundclr.params.schema import Bytes, Name, Section, Sha256


def a_pattern(text: str) -> str:
    """Return a regular expression; refuse an invalid one."""
    try:
        re.compile(text)
    except re.error as error:
        raise PydanticCustomError(
            "pattern", "Input should be a regular expression: {error}", {"error": str(error)}
        ) from error
    return text


Pattern = Annotated[str, AfterValidator(a_pattern)]
Text = Annotated[str, Field(min_length=1)]


class MappingSettings(Section):
    """How to get a state dict with torchvision's names from a file, in this order; by default the file is one.

    ``numpy`` allows NumPy numbers, which a checkpoint may hold beside its tensors. ``take`` lists the keys that lead to
    the state dict. ``rename`` maps regular expressions to replacements, which are applied in turn. Names that begin
    with one of ``drop`` are left out. ``rescale`` scales every convolution to the norm of Kaiming's initial weights and
    adapts the batch norm after it, so that the network's function stays the same.
    """

    numpy: bool = False
    take: tuple[Text, ...] = ()
    rename: dict[Pattern, str] = Field(default={})
    drop: tuple[Text, ...] = ()
    rescale: Literal["kaiming"] | None = None


class WeightsFile(Section):
    """A file of initial weights, of at most ``max_bytes``. ``file`` is its name in a mirror.

    ``torchvision`` names weights that torchvision lists for the network; file name, address and hash are then
    torchvision's. ``packed`` is the name of an .xz file in the package's ``datasets/weights``. Without ``packed`` and
    ``url``, only a mirror has the file. Without ``sha256`` (not every publisher gives one), the first copy's hash is
    recorded beside it, and other copies are refused from then on.
    """

    file: Annotated[str, Field(pattern=r"^[^/]+$")]
    sha256: Sha256 | None = None
    packed: str | None = None
    url: str | None = None
    torchvision: Text | None = None
    max_bytes: Bytes = 10**9
    mapping: MappingSettings = MappingSettings()


class WeightsSettings(Section):
    """Initial weights: their title in captions, and a file for each encoder.

    With ``torchvision``, there is a file for each network for which torchvision lists weights of that name.
    """

    title: str
    licence: str | None = None
    files: dict[Name, WeightsFile] = Field(default={})
    torchvision: Text | None = None
