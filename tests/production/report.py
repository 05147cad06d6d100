"""What the run shows of each step, and how long it waits for one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tests.smoke.walk import eventually
from tests.worlds.processes import PATIENCE


def say(title: str, figure: str) -> None:
    sys.stdout.write(f"{title:<52} {figure}\n")


def wait_for(look: Callable[[], Any]) -> Any:
    """Return what `look()` returned once that is true. Seldom asked: requests are limited."""
    return eventually(look, within=PATIENCE, every=0.3, says="what the test waits for")
