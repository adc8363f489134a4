"""`python -m soundclr` is `soundclr`."""

import sys

from soundclr.commands.cli import main

sys.exit(main())
