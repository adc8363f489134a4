"""`soundclr ARGUMENTS`, which ends after the first training step with a line that says so."""

import os
import sys

SAID = "the first step is done"


def stop(*_: object) -> None:
    """After an optimiser's step: wait for the device, say so, and end the process."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    print(SAID, flush=True)
    os._exit(0)


def main() -> int:
    """Run the command line with torch's own hook after a step as the place to stop."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    from soundclr.commands.cli import main as soundclr

    register_optimizer_step_post_hook(stop)
    return soundclr(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
