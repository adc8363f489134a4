"""What a job's start cannot do without: python -m benchmarks.bare_start FILE DEVICE [ENCODER]."""

import sys

SAID = "all is there"


def main(path: str, device: str, encoder: str = "") -> None:
    """`import torch`, weights to the device; with an encoder's name also torchvision's network and one step of it."""
    import torch

    state = torch.load(path, weights_only=True)
    if encoder:
        import torchvision

        network = getattr(torchvision.models, encoder)()
        network.load_state_dict(state)
        optimizer = torch.optim.AdamW(network.to(device).parameters(), fused=True)
        network(torch.zeros(2, 3, 128, 44, device=device)).sum().backward()
        optimizer.step()
    else:
        state = {name: tensor.to(device) for name, tensor in state.items()}
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    print(SAID, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
