"""`python -m myfy_data`: the same as the command `myfy-data`."""

from __future__ import annotations

import sys

from myfy_data.cli import main

if __name__ == "__main__":
    sys.exit(main())
