"""Explains why a weights file does not fit an encoder: what the file holds, and which ``mapping`` would fix it."""

import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr.params import MappingSettings

MOST = 8  # names in a message
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # terminal colours in PyTorch's errors


class Inert:
    """Replaces objects of unknown classes while a file's keys are read. It does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


def unreadable(path: Path, error: Exception, mapping: MappingSettings, numbers: list[Any]) -> str:
    """Why PyTorch cannot read a file, and what to do. ``numbers``: NumPy's types, which a mapping may allow."""
    if "TorchScript" in str(error):
        return "is a TorchScript archive; save its state dict, torch.save(torch.jit.load(FILE).state_dict(), FILE)"
    strangers = strange_globals(path)
    if not strangers:
        return f"cannot be read ({in_short(error)}); fetch it again"
    with torch.serialization.safe_globals(numbers):
        others = strange_globals(path)
    if not others and not mapping.numpy:
        return f"holds NumPy numbers ({listed(strangers)}); allow them with `mapping: {{numpy: true}}` in params.yaml"
    content = keys_alone(path, strangers, numbers)
    inside = f" among its keys {listed(content)}" if isinstance(content, dict) else ""
    place = "".join(f"[{key!r}]" for key in tensors_at(content) or ()) if inside else ".state_dict()"
    return (
        f"holds {listed(others or strangers)}{inside}, which is not read because it could run code; if you trust the "
        f"file, save only its state dict, torch.save(torch.load(FILE, weights_only=False){place}, FILE), or fetch it "
        "again"
    )


def strange_globals(path: Path) -> list[str]:
    """The classes and functions in a file that PyTorch refuses; none if the file cannot be inspected."""
    with suppress(Exception):  # fails for files from before PyTorch 1.6, and for files of other programs
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    found: list[str] = []
    while len(found) <= MOST and (stranger := next_stranger(path, found)):
        found.append(stranger)
    return found


def next_stranger(path: Path, known: list[str]) -> str | None:
    """The next refused name that is not in ``known``, from PyTorch's error message."""
    try:
        tensors_only(path, known)
    except Exception as error:  # many kinds, as in read_weights
        match = re.search(r"GLOBAL (\S+) was not an allowed global", str(error))
        return match and match[1]
    return None


def keys_alone(path: Path, strangers: list[str], numbers: list[Any]) -> Any:
    """A file's content, with :class:`Inert` for its ``strangers``; None if that cannot be read either."""
    with suppress(Exception), torch.serialization.safe_globals(numbers):
        return tensors_only(path, strangers)
    return None


def tensors_only(path: Path, inert: Iterable[str] = ()) -> Any:
    """Load a file without running anything in it; classes named in ``inert`` become :class:`Inert`."""
    nothing: list[Any] = [(Inert, name) for name in inert]
    with warnings.catch_warnings(), torch.serialization.safe_globals(nothing):
        warnings.filterwarnings("ignore", "'torch.load' received a zip file")  # TorchScript; the error repeats it
        return torch.load(path, map_location="cpu", weights_only=True)


def no_state_dict(content: Any) -> str:
    """What a file holds instead of a state dict, and the keys that lead to one inside it."""
    if not isinstance(content, dict):
        return f"not a state dict of tensors but a {type(content).__name__}; correct its `mapping` or fetch it again"
    keys = tensors_at(content)
    other = "correct its `mapping` or fetch it again"
    remedy = f"select it with `mapping: {{take: [{', '.join(keys)}]}}`" if keys else other
    return f"not a state dict of tensors, its keys are {listed(content)}; {remedy}"


def tensors_at(content: Any, depth: int = 4) -> list[str] | None:
    """The keys that lead to the largest dictionary of tensors inside ``content``; None if there is none."""
    found: dict[tuple[str, ...], int] = {}

    def look(place: tuple[str, ...], inside: Any) -> None:
        if not isinstance(inside, dict) or len(place) > depth:
            return
        if inside and all(isinstance(value, Tensor) for value in inside.values()):
            found[place] = len(inside)
        else:
            for key, value in inside.items():
                look((*place, str(key)), value)

    look((), content)
    return list(max(found.items(), key=lambda item: item[1])[0]) if found else None


def other_names(weights: dict[str, Tensor], error: Exception) -> str:
    """Why a state dict does not fit the encoder, from PyTorch's error, and the mapping that would fix its names."""
    missing, more = named(error, "Missing"), named(error, "Unexpected")
    ends = [name for name in more if missing and name.endswith(f".{missing[0]}")]
    for prefix in sorted(name.removesuffix(missing[0]) for name in ends):
        if {prefix + name for name in missing} <= set(more):
            drop = beginnings(name for name in weights if not name.startswith(prefix))
            mapping = f"rename: {{'^{re.escape(prefix)}': ''}}" + (f", drop: [{drop}]" if drop else "")
            return f"its names begin with {prefix!r}; remove that with `mapping: {{{mapping}}}` in params.yaml"
    if missing:
        return f"it has {listed(weights)}, but no {missing[0]}; add a `rename` to its `mapping`, or fetch it again"
    if more and "size mismatch" not in str(error):
        drop = beginnings(more)
        return f"it also has {drop}; leave that out with `mapping: {{drop: [{drop}]}}` in params.yaml"
    return f"{in_short(error)}; fetch it again"


def named(error: Exception, what: str) -> list[str]:
    """The names that PyTorch's error lists as ``what``: Missing or Unexpected."""
    match = re.search(rf"{what} key\(s\) in state_dict: (.*)", str(error))
    return re.findall(r'"([^"]+)"', match[1]) if match else []


def beginnings(names: Iterable[str]) -> str:
    """The distinct beginnings of names, up to the first dot."""
    return ", ".join(sorted({name.split(".")[0] + "." for name in names}))


def listed(names: Any) -> str:
    """The first few names, and how many more there are."""
    names = [str(name) for name in names]
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def in_short(error: Exception) -> str:
    """The beginning of an error's message as one line of whole words, or the error's type if it has no message."""
    message = " ".join(ESCAPES.sub("", str(error)).split())
    message = re.split(
        " Please file an issue| Check the documentation", message.partition("WeightsUnpickler error: ")[2] or message
    )[0]
    short = message if len(message) <= 120 else f"{message[:120].rsplit(' ', 1)[0]} ..."
    return short or type(error).__name__
