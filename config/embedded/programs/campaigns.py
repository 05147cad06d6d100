"""
A marketing feature that tries to read mail: refused at every door.

Its client was registered by a manipulated table (see `integrations.operations.demo_data`), because
registration refuses the purpose too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from antares_client import Antares, AntaresError, ApiClient, Refused
from antares_client.api import (
    list_connections,
    list_delegations,
    list_events,
    list_files,
    list_messages,
    list_threads,
)

from config.embedded.programs.feature_settings import read_settings

PURPOSE: Final = "marketing"


def _list_week(api: ApiClient) -> Any:
    now = datetime.now(UTC)
    return list_events(api, "me", start=now, end=now + timedelta(days=7))


_DOORS: Final[tuple[tuple[str, Callable[[ApiClient], Any]], ...]] = (
    ("messages", lambda api: list_messages(api, "me")),
    ("conversations", lambda api: list_threads(api, "me")),
    ("events", _list_week),
    ("files", lambda api: list_files(api, "me")),
    ("accounts", lambda api: list_connections(api, "me")),
)


def main() -> int:
    """Return 0 if every door refused."""
    settings = read_settings()
    with settings.open_antares() as antares:
        address, _ = antares.begin_hand_over(purpose=PURPOSE, redirect_uri=settings.redirect_uri)
        _print(f"A person can be asked, and is sent back with the reason: open {address}\n")
        try:
            return _try_doors(antares)
        except httpx.RequestError as error:
            _print(f"Antares does not answer: {error}")
            return 1


def _try_doors(antares: Antares) -> int:
    listed = list_delegations(antares.act_for_client()).data
    delegations = [delegation for delegation in listed if delegation.switched_off_at is None]
    _print(f"Delegations in the table: {len(delegations)}")
    refused_count = 0
    for delegation in delegations:
        api = antares.act_for_person(delegation.id, purpose=PURPOSE)
        for name, request_data in _DOORS:
            answer, is_refused = _try_door(request_data, api)
            refused_count += is_refused
            _print(f"{name}: {answer}")
    return 0 if delegations and refused_count == len(delegations) * len(_DOORS) else 1


def _try_door(request_data: Callable[[ApiClient], Any], api: ApiClient) -> tuple[str, bool]:
    """Return what was answered, and whether the policy refused."""
    try:
        request_data(api)
    except Refused as refusal:
        clauses = ", ".join(refusal.clauses)
        return (
            f"{refusal.status} {refusal.code}: {refusal.detail} Rule {refusal.rule}, clauses"
            f" {clauses}, ledger entry {refusal.ledger_entry}."
        ), True
    except AntaresError as error:
        return str(error), False
    return "ANSWERED", False


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
