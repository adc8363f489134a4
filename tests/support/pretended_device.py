"""A device that nobody has: its tensors say that they are on ``pretended``, and are computed on the CPU.

What a GPU refuses is refused here: tensors on two devices, numbers drawn by a CPU's generator. Where a GPU would be
waited for is noted in :data:`waits`: numbers read from it, shapes that depend on numbers, and copies to or from it,
but for those to it that say ``non_blocking``. (On CUDA a plain ``.to(device)`` waits for all work before it.)

It is no GPU: it has no kernels, no memory of its own, no speed, and what waits within a kernel is not known. Numbers
drawn without a generator come from the CPU's. What is saved is saved as the CPU's: a file that is loaded without
``map_location`` is not found. :func:`set_up` is for the whole process and cannot be undone.
"""

import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "pretended"
CPU = torch.device("cpu")
IN_LOW_PRECISION = ("conv1d", "conv2d", "linear", "matmul")  # under autocast, as on CUDA and on a CPU
COPY = torch.ops.aten.copy_.default
INDEX = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default)
SHAPED_BY_NUMBERS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
LIBRARY, EVERYTHING = torch.library.Library("aten", "IMPL"), torch.library.Library("_", "IMPL")


class Refused(RuntimeError):
    """What a GPU would not do."""


@dataclass(frozen=True)
class Wait:
    """A wait for the device: the operator, and the line that it came from."""

    operator: str
    place: str


waits: list[Wait] = []


class OnDevice(Tensor):
    """A tensor on the device; ``held`` has its numbers, on the CPU."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnDevice":
        """Of the same shape, strides and number format."""
        with torch.inference_mode(False):  # a view of one that is no inference tensor must be none either
            made: OnDevice = torch.Tensor._make_wrapper_subclass(
                cls,
                held.size(),
                strides=held.stride(),
                storage_offset=held.storage_offset(),
                dtype=held.dtype,
                device=torch.device(NAME, 0),
            )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"{NAME}: {self.held!r}"

    def tolist(self) -> Any:
        """Torch's own refuses a subclass; a GPU's tensor is copied."""
        return self.cpu().tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Saved as the tensor on the CPU that ``torch.load(map_location="cpu")`` makes of a GPU's."""
        note("save")
        return self.held.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operator that one of these tensors takes part in."""
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "CompositeImplicitAutograd"):
            return operator.decompose(*args, **kwargs)
        check(operator, args, kwargs)
        if waits_for_it(operator, args, kwargs):
            note(operator.name().removeprefix("aten::"))
        found = operator(*tree_map(on_cpu, args), **tree_map(on_cpu, kwargs))
        if (kwargs.get("device") or torch.device(NAME)).type == NAME:
            found = tree_map(lambda value: cls(value) if isinstance(value, Tensor) else value, found)
        return return_and_correct_aliasing(operator, args, kwargs, found)


def on_cpu(value: Any) -> Any:
    """The CPU's tensor for a tensor of the device, and the CPU for the device, for computing."""
    if isinstance(value, OnDevice):
        return value.held
    return CPU if isinstance(value, torch.device) else value


def check(operator: Any, args: Any, kwargs: Any) -> None:
    """Raise Refused for what a GPU would not do."""
    leaves = tree_leaves((args, kwargs))
    if any(isinstance(value, torch.Generator) and value.device.type == "cpu" for value in leaves):
        raise Refused(f"{operator}: expected a generator of {NAME}, found the CPU's, at {place()}")
    if operator is COPY:
        return
    tensors = tree_leaves((args[0], args[2:]) if operator in INDEX else (args, kwargs))  # indices may be the CPU's
    others = [value for value in tensors if isinstance(value, Tensor) and not isinstance(value, OnDevice)]
    written = operator._schema.is_mutable and any(value is args[0] for value in others)
    takes_numbers = torch.Tag.pointwise in operator.tags or operator in INDEX  # those of no dimension, on the CPU
    if written or any(value.dim() or not takes_numbers for value in others):
        raise Refused(f"{operator}: expected all tensors on {NAME}, found one on the CPU, at {place()}")


def waits_for_it(operator: Any, args: Any, kwargs: Any) -> bool:
    """Whether the program would wait until the device has finished its queued work."""
    if operator is COPY:
        to, origin, *rest = args
        there = isinstance(to, OnDevice)
        copies = there != isinstance(origin, OnDevice)
        return copies and not (there and (rest[0] if rest else kwargs.get("non_blocking", False)))
    if operator in INDEX:
        indices = [index for index in args[1] if index is not None]
        masks = any(index.dtype in (torch.bool, torch.uint8) for index in indices)
        filled = operator is not INDEX[0] and not isinstance(args[2], OnDevice)  # by a number, which needs no places
        return (masks and not filled) or not all(isinstance(index, OnDevice) for index in indices)
    away = kwargs.get("device") is not None and kwargs["device"].type != NAME
    return away or any(tag in operator.tags for tag in SHAPED_BY_NUMBERS)


def note(operator: str) -> None:
    """Add to :data:`waits`."""
    waits.append(Wait(operator, place()))


def place() -> str:
    """The innermost line that is being run in this thread outside torch and this module, as ``folder/file.py:12``."""
    frame = sys._getframe()
    while frame is not None and (frame.f_code.co_filename == __file__ or "/torch/" in frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "the backward pass"
    return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{frame.f_lineno}"


def set_up() -> torch.device:
    """Make the device known to torch, in this process, once; returns it."""
    if not hasattr(torch, NAME):
        _setup_privateuseone_for_python_backend(NAME, backend_module=Module())
        for operator in factories():
            LIBRARY.impl(operator.name(), functools.partial(made, operator), "PrivateUse1")
        EVERYTHING.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
        for name in IN_LOW_PRECISION:
            operator = getattr(torch.ops.aten, name).default
            LIBRARY.impl(operator.name(), functools.partial(in_low_precision, operator), "AutocastPrivateUse1")
    return torch.device(NAME, 0)


class Module(_DummyBackendModule):
    """What is ``torch.pretended``."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """The number formats that autocast may have."""
        return [torch.bfloat16]


def factories() -> Iterator[Any]:
    """All operators that make a tensor on a device of none."""
    for name in torch._C._dispatch_get_all_op_names():
        if name.startswith("aten::"):
            packet, _, overload = name.removeprefix("aten::").partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            types = {argument.name: str(argument.type) for argument in operator._schema.arguments}
            if "device" in types and not any("Tensor" in kind for kind in types.values()):
                yield operator


def made(operator: Any, *args: Any, **kwargs: Any) -> OnDevice:
    """What such an operator makes."""
    check(operator, args, kwargs)
    return OnDevice(operator(*args, **tree_map(on_cpu, kwargs)))


def in_low_precision(operator: Any, *args: Any, **kwargs: Any) -> Tensor:
    """The operator as autocast has it."""

    def cast(value: Any) -> Any:
        floats = isinstance(value, Tensor) and value.is_floating_point()
        return value.to(torch.get_autocast_dtype(NAME)) if floats else value

    autocast = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
    with torch._C._ExcludeDispatchKeyGuard(autocast):
        result: Tensor = operator(*tree_map(cast, args), **tree_map(cast, kwargs))
    return result
