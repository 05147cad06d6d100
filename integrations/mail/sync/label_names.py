"""
Names of the user's labels: read after changes, and stored once per mailbox.

Message rows hold label ids, so a changed label changes no message. Providers do not notify it, so
the names are also read by the first turn after a view, and in each ten minutes.
"""

from __future__ import annotations

from typing import Final

import orjson

from integrations.formats.mime.headers import make_printable

from .mail_session import MailChanges, MailSyncSession
from .message_codec import encode_label

_BLIND: Final = "mail.labels"
# Seconds.
EVERY: Final = 600


def is_label_sync_due(session: MailSyncSession) -> bool:
    is_behind = session.work.label_names_blind is None or session.follows_unfinished
    may_have_changed = session.found_changes or session.has_new_names
    return is_behind or may_have_changed or session.is_looked_at or session.is_first_in(EVERY)


def update_label_names(session: MailSyncSession) -> None:
    mailbox = session.mailbox
    named = mailbox.provider_session.call(
        mailbox.adapter.get_label_names, units=mailbox.units.labels
    )
    names = {encode_label(label): make_printable(name) for label, name in named.items()}
    text = orjson.dumps(names, option=orjson.OPT_SORT_KEYS).decode()
    blind = session.blind_value(_BLIND, text)
    stored = session.work.label_names_blind
    if stored is not None and bytes(stored) == blind:
        return
    values = {"label_names": session.seal_column("label_names", text), "label_names_blind": blind}
    session.commit(MailChanges(values=values))
