"""
The text of a message as views show it: made safe when the message was read, and opened here.

A view parses nothing. Where an older version made the text safe, a parser process makes it again
from the original, and it is stored again. Called by sinks only, as `row_types` is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import orjson
from django.db import Error, transaction
from django.db import connection as database

from integrations.access.permits import Permits
from integrations.formats.mime import safe_bodies, safe_text
from integrations.formats.mime.safe_bodies import ShownText
from integrations.formats.mime.safe_text import SafeText
from integrations.models import MessageBody
from integrations.parsers import parse_requests
from integrations.parsers.wire_frames import Unreadable
from limited_use.policy.claims import claim
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks.rows import Row
from limited_use.vault.compression import TooLarge
from limited_use.vault.keyring.port import KeyStoreUnavailable
from limited_use.vault.keys import Destroyed
from limited_use.vault.sealed import Sealed
from limited_use.vault.sealing import sealer

logger = logging.getLogger(__name__)

#: In place of a text that cannot be made safe within the limits, where there are no words alone.
NOT_SHOWN: Final = claim(
    "message.not-shown",
    "This text cannot be shown safely. Open the message at your provider.",
)
_NOT_SHOWN: Final = ShownText((f"<p>{NOT_SHOWN}</p>",), (), NOT_SHOWN)


def sealed_columns(body: MessageBody) -> dict[str, Sealed | None]:
    """
    Return the sealed columns that showing a message takes: the original only where it is needed.

    :param body: may have been read without `content`
    :raises MessageBody.DoesNotExist: if it was deleted since
    """
    if body.shown is not None and body.shown_version >= safe_bodies.VERSION:
        return {"shown": body.shown}
    # Not read with the rest: it is read now.
    return {"content": body.content}


def open_text(
    row: Row, opened: Mapping[str, bytes], *, permits: Permits, stores: bool = True
) -> SafeText:
    """
    Return the text of a message.

    :param row: with the columns that `sealed_columns` returned
    :param opened: what they hold
    :param permits: those that they were opened by
    :param stores: whether a text that was made again is stored
    :raises integrations.parsers.process_pool.Busy: if it has to be made again, and no process is
        free
    """
    if "shown" in opened:
        return safe_text.decode(opened["shown"])
    record = _make_again(orjson.loads(opened["content"]))
    original = row.sealed["content"]
    if stores and original is not None:
        _store_again(record, original, permits)
    return safe_text.decode(record)


def _make_again(content: Mapping[str, Any]) -> bytes:
    text, html = content["text"], content["html"]
    made = parse_requests.show_text(text, html)
    if isinstance(made, Unreadable) and html and text:
        made = parse_requests.show_text(text, "")
    safe = _NOT_SHOWN if isinstance(made, Unreadable) else made
    return safe_text.encode(safe, content["inline"])


# A row that was written or deleted since, or is being written now, stays as it is.
_STORE = """
UPDATE integrations_messagebody SET shown = %(shown)b, shown_version = %(version)s
WHERE message_id = (
    SELECT message_id FROM integrations_messagebody
    WHERE message_id = %(id)s AND content = %(content)b
        AND (shown IS NULL OR shown_version < %(version)s)
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


def _store_again(record: bytes, original: Sealed, permits: Permits) -> None:
    """Store what was made of `original`. That it cannot be stored now is no failure of the view."""
    holder, message_id = original.binding.holder, original.binding.row
    try:
        key = sealer(holder=holder, epoch=permits[holder, DataClass.MAIL_CONTENT].epoch)
        shown = key.seal(MessageBody, "shown", row=message_id, data=record)
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(
                _STORE,
                {
                    "id": message_id,
                    "content": original.ciphertext,
                    "shown": shown.ciphertext,
                    "version": safe_bodies.VERSION,
                },
            )
    except (Error, Destroyed, KeyStoreUnavailable, TooLarge) as error:
        logger.warning("shown_text.not_stored", extra={"reason": type(error).__name__})
