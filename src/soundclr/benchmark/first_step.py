"""`soundclr ARGUMENTS`, which ends after the first training step with a line that says so."""

import os
import sys
from typing import Any

SAID = "the first step is done"


def stop(_: Any, clips: int) -> None:
    """After a batch: wait for the device, say so, and end the process."""
    if clips == 0:  # an epoch begins
        return
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    print(SAID, flush=True)
    os._exit(0)


def main() -> int:
    """Run the command line with the progress bar's step as the place to stop."""
    from soundclr import cli
    from soundclr.training.progress import Progress

    Progress.batch = stop  # type: ignore[method-assign,assignment]
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
