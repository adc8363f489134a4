"""`import torch` and weights to the device, nothing else: python -m soundclr.benchmark.bare_start FILE DEVICE."""

import sys

SAID = "the weights are there"


def main(path: str, device: str) -> None:
    """Load a state dict, and say so once the device has it."""
    import torch

    state = {name: tensor.to(device) for name, tensor in torch.load(path, weights_only=True).items()}
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    print(SAID if state else "no weights", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
