"""
The list of things to try. Evidence alone ticks a step (`evidence`, `middleware`).

A step stays ticked after its evidence is gone: a disconnect removes most of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from django.db import Error, connection, transaction
from django.urls import reverse

from accounts import row_owner
from config.embedded.demo_site import cast, messages
from config.embedded.demo_site.evidence import PROOFS, Evidence
from config.embedded.demo_site.folder import get_demo_folder

#: The owner does most steps. The viewer looks at a calendar that the owner shared.
_OWNER, _VIEWER = "alice", "bob"
_RECEIPT_STEP: Final = "check-receipt"
#: Who does each step, and the route of its page; None: in a terminal.
_PAGES: Final[Mapping[str, tuple[str, str | None]]] = {
    "connect-mail": (_OWNER, "settings-integrations"),
    "read-mail": (_OWNER, "inbox"),
    "search-mail": (_OWNER, "inbox-search"),
    "answer-mail": (_OWNER, "inbox"),
    "connect-calendar": (_OWNER, "settings-integrations"),
    "write-event": (_OWNER, "calendar"),
    "share-calendar": (_OWNER, "settings-integrations"),
    "view-shared": (_VIEWER, "calendar"),
    "save-file": (_OWNER, "drive-files"),
    "see-refusal": (_OWNER, None),
    "ask-administrator": (_OWNER, "settings-integrations"),
    "hostile-mail": (_OWNER, "settings-integrations"),
    "disconnect": (_OWNER, "settings-integrations"),
    _RECEIPT_STEP: (_OWNER, "settings-integrations"),
}
# Seconds between looks at the evidence: each page of the demo shows the number of ticks.
_LOOK_INTERVAL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step as the page shows it.

    :ivar person: who does it; their key in the cast
    :ivar url: its page; empty: in a terminal
    :ivar done_at: when its evidence was first seen
    """

    key: str
    title: str
    text: str
    person: str
    url: str
    done_at: datetime | None

    @property
    def is_done(self) -> bool:
        return self.done_at is not None


class _Progress:
    """The ticked steps of the demo's folder; looks at the evidence from time to time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looked_at = float("-inf")
        self._ticks: Mapping[str, datetime] = {}

    def get_ticks(self, path: Path) -> Mapping[str, datetime]:
        is_due = time.monotonic() - self._looked_at >= _LOOK_INTERVAL
        # A transaction of the page has an owner of its own. Another thread looks for all.
        if is_due and not connection.in_atomic_block and self._lock.acquire(blocking=False):
            # Without the database, an error page shows the list as it was.
            with suppress(Error):
                try:
                    self._ticks = _update_ticks(path)
                    self._looked_at = time.monotonic()
                finally:
                    self._lock.release()
        return self._ticks

    def add_tick(self, path: Path, key: str) -> None:
        with self._lock:
            ticks = _read_ticks(path)
            if key not in ticks:
                self._ticks = {**ticks, key: datetime.now(UTC)}
                _write_ticks(path, self._ticks)


_progress = _Progress()


def list_steps() -> list[Step]:
    ticks = _progress.get_ticks(_get_path())
    return [
        Step(key, str(title), str(text), person, reverse(route) if route else "", ticks.get(key))
        for key, (title, text) in messages.STEPS.items()
        for person, route in [_PAGES[key]]
    ]


def tick_receipt_step() -> None:
    _progress.add_tick(_get_path(), _RECEIPT_STEP)


def _get_path() -> Path:
    return get_demo_folder() / "steps.json"


def _update_ticks(path: Path) -> Mapping[str, datetime]:
    ticks = _read_ticks(path)
    new_keys = list(_find_proven(PROOFS.keys() - ticks.keys()))
    if new_keys:
        ticks |= dict.fromkeys(new_keys, datetime.now(UTC))
        _write_ticks(path, ticks)
    return ticks


def _find_proven(keys: set[str]) -> Iterator[str]:
    owner, viewer = cast.find_member(_OWNER), cast.find_member(_VIEWER)
    if owner is None or viewer is None or not keys:
        return
    with (
        row_owner.acting_for(owner.person_id, owner.organisation_id),
        # Otherwise each statement would set the owner in a transaction of its own.
        transaction.atomic(),
    ):
        evidence = Evidence(
            user_id=owner.person_id,
            organisation_id=owner.organisation_id,
            viewer_id=viewer.person_id,
        )
        for key in keys:
            if PROOFS[key](evidence):
                yield key


def _read_ticks(path: Path) -> dict[str, datetime]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {key: datetime.fromisoformat(at) for key, at in stored.items() if key in _PAGES}


def _write_ticks(path: Path, ticks: Mapping[str, datetime]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(
        json.dumps({key: at.isoformat() for key, at in ticks.items()}, indent=1), encoding="utf-8"
    )
    partial.replace(path)
