"""``python -m allocator``: the command line."""

import sys

from allocator.cli import main

sys.exit(main())
