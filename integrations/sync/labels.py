"""
Names of the person's own labels: read once a turn, and stored in one place per mailbox.

Rows of messages hold the labels' ids. A label that was renamed, added or deleted at the provider
changes the stored names and no message.
"""

from __future__ import annotations

from typing import Final

import orjson

from integrations.mime.headers import printable

from .incoming import storable_label
from .run import Changes, Run

_BLIND: Final = "mail.labels"


def update_names(run: Run) -> None:
    """Read the names of the labels, and store them if they changed since they were last read."""
    named = run.mailbox.call(run.mailbox.units.labels, run.mailbox.adapter.labels)
    names = {storable_label(label): printable(name) for label, name in named.items()}
    text = orjson.dumps(names, option=orjson.OPT_SORT_KEYS).decode()
    blind = run.sealer.blind(_BLIND, text)
    stored = run.work.label_names_blind
    if stored is not None and bytes(stored) == blind:
        return
    values = {"label_names": run.sealed("label_names", text), "label_names_blind": blind}
    run.commit(Changes(values=values))
