"""Adam with layer-wise adaptive rate scaling (LARS; You et al. 2017), as in lightning-bolts 0.2.2."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-8  # keeps the ratio finite for a gradient of zeros


class LARSAdam(torch.optim.Adam):
    """Adam on gradients that are scaled, tensor by tensor, before each step.

    The gradient g of a tensor p becomes (g + weight_decay * p) * min(ratio / lr, 1), where ratio is
    ``trust`` * |p| / (|g| + weight_decay * |p| + 1e-8); a tensor or gradient of zeros is not scaled. Adam's own weight
    decay is switched off.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], trust: float, **options: Any) -> None:
        super().__init__(groups, **options)
        self.trust = trust

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Scale the gradients in place and take Adam's step."""
        decays = [group["weight_decay"] for group in self.param_groups]
        for group, decay in zip(self.param_groups, decays, strict=True):
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.copy_(scaled(parameter, parameter.grad, group["lr"], decay, self.trust))
            group["weight_decay"] = 0.0
        loss = super().step(closure)
        for group, decay in zip(self.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        return loss


def scaled(parameter: Tensor, gradient: Tensor, lr: float, decay: float, trust: float) -> Tensor:
    """The scaled gradient of ``parameter``, computed without waiting for the GPU."""
    size, slope = parameter.norm(), gradient.norm()
    ratio = trust * size / (slope + decay * size + EPSILON)
    return torch.where((size != 0) & (slope != 0), (gradient + decay * parameter) * (ratio / lr).clamp(max=1), gradient)
