"""
The main job, walked through as an outside client: `make smoke`.

Clients use HTTP only, at the service and at the sandbox, whose control plane is asked for what
happens at a provider. Passwords and client keys come from the file of the seed. Three acts pass
the service by; each is a line of the output where it happens, and the last line names them:

- the database is told to keep long values uncompressed, so that its files can be searched;
- a leak is planted in each store and taken away again, and the stores are read;
- one row's clock is turned back by SQL. It stands for two weeks of waiting: the setting,
  REAUTH_GRACE_DAYS, is a promise in whole days.

On servers that are given the walk has a database of its own, whose files it does not see: that
is said, never counted as zero.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from config.embedded import embedded_service, postgres
from config.embedded.child_processes import EmbeddedServersUnavailable
from tests.smoke.steps import Smoke
from tests.smoke.walk import Walk
from tests.worlds import own

# So that nobody waits for a beat: sweeps, leases and the interval of a sync, in seconds.
FAST = {
    "SWEEP_SECONDS": "1",
    "LEASE_SECONDS": "5",
    "SYNC_INTERVAL_SECONDS": "1",
    # While the provider tells of news it is still asked, so that a grant's end is seen in time.
    "PUSH_POLL_SECONDS": "10",
    "GMAIL_UNITS_PER_MINUTE": "600000",
    "GRAPH_UNITS_PER_MINUTE": "600000",
    "RATE_LIMIT_SCALE": "100",
}


def main() -> int:
    # Nothing can be chosen: what it says of itself, and no silent typo.
    argparse.ArgumentParser(prog="python -m tests.smoke", description=__doc__).parse_args()
    walk = Walk()
    with tempfile.TemporaryDirectory(prefix="antares-smoke-") as folder:
        data = Path(folder)
        # The server's own account has to get through; what is inside is closed by itself.
        data.chmod(0o711)
        try:
            with (
                own.run_own_servers(data, settings=postgres.SCANNABLE) as mine,
                embedded_service.run_service(
                    data, mine.urls, workers=2, extra={**FAST, **mine.extra}, seed={}, validate=True
                ) as running,
            ):
                Smoke(walk, running, mine, data).run()
        except EmbeddedServersUnavailable as problem:
            sys.stderr.write(f"{problem}\n")
            return 1
    return walk.close()


if __name__ == "__main__":
    sys.exit(main())
