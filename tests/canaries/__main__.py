"""
Zero canaries, as a tool: `make canary`.

Seeds markers into everything that a provider can deliver and a person can type, runs every
feature, and searches every store for them, and for every secret that there was. What it prints
names stores, columns and encodings, and never what stands around a hit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from config.embedded.child_processes import EmbeddedServersUnavailable
from tests.canaries import world
from tests.canaries.run import Run
from tests.smoke.walk import Walk


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=__doc__)
    parser.add_argument("--settings", default="tests.canaries.settings", help="of the processes")
    parser.add_argument("--short", action="store_true", help="mail and Drive, up to the receipt")
    given = parser.parse_args()
    walk, began = Walk(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="antares-canary-") as folder:
        try:
            with world.run_world(Path(folder), settings=given.settings) as running:
                run = Run(running, walk)
                run.short() if given.short else run.all()
        except EmbeddedServersUnavailable as problem:
            sys.stderr.write(f"{problem}\n")
            return 1
    walk.say(f"{time.monotonic() - began:.0f} s")
    return walk.close()


if __name__ == "__main__":
    sys.exit(main())
