"""
The shown text of a message: sanitised when the message is stored, opened for each view. Only
sinks call this module.

If an older version sanitised the text, a parser process sanitises the original again, and the
result is stored; else a view parses nothing.
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
from integrations.formats.mime.safe_bodies import SanitisedText
from integrations.formats.mime.safe_text import SafeText
from integrations.models import MessageBody
from integrations.parsers import parse_requests
from integrations.parsers.parser_frames import UnreadableItem
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.record_compression import RecordTooLarge
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import get_sealer

from . import messages

logger = logging.getLogger(__name__)

#: A stored text of an older version is made again.
SANITISER_VERSION: Final = safe_bodies.VERSION


def get_sealed_columns(body: MessageBody) -> dict[str, SealedValue | None]:
    """
    Include the original only if needed.

    :param body: may be loaded without `content`
    :raises MessageBody.DoesNotExist: if it was deleted since
    """
    if body.shown is not None and body.shown_version >= SANITISER_VERSION:
        return {"shown": body.shown}
    # This access loads the deferred original.
    return {"content": body.content}


def open_text(
    row: SealedRow, opened: Mapping[str, bytes], *, permits: Permits, stores: bool = True
) -> SafeText:
    """
    :param row: with the columns of `get_sealed_columns`
    :param opened: their plaintext
    :param permits: that opened them
    :param stores: store a text that was sanitised again
    :raises integrations.parsers.parser_pool.ParsersBusy: if the text has to be sanitised again
    """
    if "shown" in opened:
        return safe_text.decode_safe_text(opened["shown"])
    record = _remake_text(orjson.loads(opened["content"]))
    original = row.sealed["content"]
    if stores and original is not None:
        _store_text(record, original, permits)
    return safe_text.decode_safe_text(record)


def _remake_text(content: Mapping[str, Any]) -> bytes:
    text, html = content["text"], content["html"]
    result = parse_requests.sanitise_text(text, html)
    if isinstance(result, UnreadableItem) and html and text:
        result = parse_requests.sanitise_text(text, "")
    if isinstance(result, UnreadableItem):
        notice = str(messages.TEXT_NOT_SHOWN)
        result = SanitisedText((f"<p>{notice}</p>",), (), notice)
    return safe_text.encode_safe_text(result, content["inline"])


# Skips a row that was written or deleted since, or is locked.
_STORE_STATEMENT = """
UPDATE integrations_messagebody SET shown = %(shown)b, shown_version = %(version)s
WHERE message_id = (
    SELECT message_id FROM integrations_messagebody
    WHERE message_id = %(id)s AND content = %(content)b
        AND (shown IS NULL OR shown_version < %(version)s)
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


def _store_text(record: bytes, original: SealedValue, permits: Permits) -> None:
    """A failure does not fail the view."""
    holder, message_id = original.binding.holder, original.binding.row
    try:
        key = get_sealer(holder=holder, epoch=permits[holder, DataClass.MAIL_CONTENT].epoch)
        sealed = key.seal_value(MessageBody, "shown", row=message_id, data=record)
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(
                _STORE_STATEMENT,
                {
                    "id": message_id,
                    "content": original.ciphertext,
                    "shown": sealed.ciphertext,
                    "version": SANITISER_VERSION,
                },
            )
    except (Error, KeyDestroyed, KeyStoreUnavailable, RecordTooLarge) as error:
        logger.warning("shown_text.not_stored", extra={"reason": type(error).__name__})
