"""Confirms removals: a feature that keeps nothing has nothing to delete, and says so."""

from __future__ import annotations

import sys
import time
from threading import Thread
from typing import Final

import httpx
from antares_client import Antares, AntaresError
from antares_client.api import acknowledge_removal, list_removals

_INTERVAL: Final = 10.0  # seconds; some minutes are enough outside of a demo


def start(antares: Antares) -> None:
    """Confirm removals in a thread that ends with the process."""
    Thread(target=_run, args=[antares], daemon=True).start()


def confirm_removals(antares: Antares) -> int:
    """Confirm each open removal; return their number."""
    api = antares.act_for_client()
    removals = list_removals(api, limit=200).data
    for removal in removals:
        acknowledge_removal(api, removal.id)
    return len(removals)


def _run(antares: Antares) -> None:
    while True:
        try:
            if count := confirm_removals(antares):
                sys.stdout.write(f"Removals confirmed: {count}\n")
                sys.stdout.flush()
        except (AntaresError, httpx.RequestError) as error:
            sys.stdout.write(f"Removals could not be confirmed: {error}\n")
            sys.stdout.flush()
        time.sleep(_INTERVAL)
