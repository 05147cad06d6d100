"""
Names of the person's own labels: read after news, and stored in one place per mailbox.

Rows of messages hold the labels' ids. A label that was renamed, added or deleted at the provider
changes the stored names and no message. Providers do not tell of that, so the names are also read
by the first turn after a look, and by the first turn in each ten minutes.
"""

from __future__ import annotations

from typing import Final

import orjson

from integrations.formats.mime.headers import printable

from .message_codec import storable_label
from .session import Changes, Run

_BLIND: Final = "mail.labels"
# Seconds.
EVERY: Final = 600


def is_due(run: Run) -> bool:
    """Return whether the names are to be read in this turn."""
    is_behind = run.work.label_names_blind is None or run.follows_unfinished
    is_told = run.found_news or run.has_new_names
    return is_behind or is_told or run.is_looked_at or run.is_first_in(EVERY)


def update_names(run: Run) -> None:
    """Read the names of the labels, and store them if they changed since they were last read."""
    mailbox = run.mailbox
    named = mailbox.session.call(mailbox.adapter.labels, units=mailbox.units.labels)
    names = {storable_label(label): printable(name) for label, name in named.items()}
    text = orjson.dumps(names, option=orjson.OPT_SORT_KEYS).decode()
    blind = run.blind(_BLIND, text)
    stored = run.work.label_names_blind
    if stored is not None and bytes(stored) == blind:
        return
    values = {"label_names": run.sealed("label_names", text), "label_names_blind": blind}
    run.commit(Changes(values=values))
