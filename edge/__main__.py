"""`python -m edge` is `edgewise-edge`."""

import sys

from edge.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
