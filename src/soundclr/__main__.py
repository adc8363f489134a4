"""`python -m soundclr` is `soundclr`."""

import sys

from soundclr.cli import main

sys.exit(main())
