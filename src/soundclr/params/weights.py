"""The block ``weights`` of params.yaml: files of initial weights, and how what they hold becomes a state dict."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from soundclr.params.merging import known
from soundclr.params.schema import Bytes, Name, Section, Sha256


def a_pattern(text: str) -> str:
    """A regular expression; what is none is refused."""
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
    """How a file becomes a state dict with torchvision's names, in this order; without any of it, it is one.

    ``numpy`` lets in numbers of NumPy's, as a checkpoint may hold beside its tensors. ``take`` are the keys that lead
    to the state dict. ``rename`` has regular expressions and what each is replaced by, in turn. Names that begin with
    one of ``drop`` are left out. ``rescale`` brings every convolution to a common scale, with the batch norm behind it,
    so that the network stays the same function: to the norm that Kaiming's initial weights have.
    """

    numpy: bool = False
    take: tuple[Text, ...] = ()
    rename: dict[Pattern, str] = Field(default={})
    drop: tuple[Text, ...] = ()
    rescale: Literal["kaiming"] | None = None


class WeightsFile(Section):
    """One file of initial weights, of at most ``max_bytes``: ``file`` is its name in a mirror.

    With ``torchvision``, the name of weights that torchvision lists for the network, its name, address and hash are
    those that torchvision gives.

    ``packed`` is its name, as .xz, in the package's ``datasets/weights``. Neither that nor ``url`` means that only a
    mirror has it. Without ``sha256``, for a publisher who gives none, the first copy's is recorded beside it, and other
    copies are refused from then on.
    """

    file: str
    sha256: Sha256 | None = None
    packed: str | None = None
    url: str | None = None
    torchvision: Text | None = None
    max_bytes: Bytes = 10**9
    mapping: MappingSettings = MappingSettings()


class WeightsSettings(Section):
    """Initial weights: what captions call them, and a file for each encoder they exist for.

    With ``torchvision`` they exist for each network that torchvision lists weights of that name for.
    """

    title: str
    licence: str | None = None
    files: dict[Name, WeightsFile] = Field(default={})
    torchvision: Text | None = None

    def file_of(self, network: str, place: str) -> WeightsFile:
        """The file for an encoder; UserError, naming ``place``, where there is none."""
        if self.torchvision is not None and network not in self.files:
            return WeightsFile(file=f"{network}-{self.torchvision}.pth", torchvision=self.torchvision)
        return self.files[known(network, self.files, f"encoder {place}")]
