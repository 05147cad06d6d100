"""
One message that is not kept here: fetched from its own provider when somebody looks, and let go.

What leads to it is an address that a search put on a page (`remote_message_refs`). Each look is a
use of its own: permitted, recorded, and fetched inside the sink that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from integrations.access import permits
from integrations.access.fences import NoLongerLive
from integrations.access.permits import Permits
from integrations.coordination import concurrency
from integrations.formats.mime import safe_text
from integrations.grants import provider_calls
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import RemoteMessage, RemoteThread, Wanted
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import page
from limited_use.sinks.rows import Row
from limited_use.vault.sealing import sealer

from . import Asked, NotFound, file_stream, inline_images, remote_message_refs, visible_mailboxes
from .file_stream import Download
from .remote_message_refs import Box, Place
from .sync import message_codec

_WHOLE: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


@dataclass(frozen=True, slots=True)
class Look:
    """
    The row and permits for the sink that shows a message, and what fetches it there.

    :param limited: why it was not fetched, if that is over in a moment; known once it was shown
    """

    row: Row
    permits: Permits
    shape: Callable[[Box, Mapping[str, bytes]], page.Shown]
    limited: list[errors.RateLimited]


def head(asked: Asked, place: Place) -> Look:
    """
    Return a message to be shown without its text, with the names of its files.

    :raises NotFound: if the mailbox is not this person's
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    row, granted = _one(asked, place)
    limited: list[errors.RateLimited] = []

    def shape(box: Box, opened: Mapping[str, bytes]) -> page.Shown:
        try:
            one = _fetched(box, remote_message_refs.where(opened)["id"])
        except (errors.ProviderError, NoLongerLive) as error:
            if isinstance(error, errors.RateLimited):
                limited.append(error.with_traceback(None))
            is_passing = bool(limited)
            return page.Shown({"failed": remote_message_refs.why(error), "is_passing": is_passing})
        permit = granted[box.integration_id, DataClass.MAIL_METADATA]
        key = sealer(holder=box.integration_id, epoch=permit.epoch)
        files = [
            {
                "place": remote_message_refs.place(
                    key, {"id": one.message_id, "part": part.part, "filename": part.filename}
                ),
                "filename": part.filename,
                "size": part.size,
            }
            for part in one.mail.attachments
            if not part.is_inline
        ]
        return page.Shown({"failed": ""}, {**remote_message_refs.head(one, box), "files": files})

    return Look(row, granted, shape, limited)


def body(asked: Asked, place: Place) -> bytes:
    """
    Return the message's text as a document of safe HTML, with the pictures that came with it.

    :raises NotFound: if the mailbox is not this person's
    :raises errors.ProviderError: what the provider answered
    """
    row, granted = _one(asked, place)
    reader = _Reader()
    document = page.document(
        row, permits=granted, actor=asked.actor, shape=reader.document, at=asked.at
    )
    if reader.failed is not None:
        raise reader.failed
    return document


def file(asked: Asked, place: Place) -> Download:
    """
    Return one of the message's files as it arrives.

    :raises NotFound: if the mailbox is not this person's, or the place is none of a file
    :raises errors.ProviderError: what the provider answered
    """
    row, granted = _one(asked, place)
    return file_stream.pass_file(
        asked,
        row,
        permits=granted,
        connection_id=row.row.connection_id,
        find=_find_file,
        name=_filename,
    )


class _Reader:
    """Asks the box's own provider, from inside a sink; keeps what went wrong."""

    def __init__(self) -> None:
        self.failed: Exception | None = None

    def document(self, box: Box, opened: Mapping[str, bytes]) -> dict[str, Any]:
        # One wait for the text and its pictures.
        with concurrency.waiting():
            return self._document(box, remote_message_refs.where(opened)["id"])

    def _document(self, box: Box, message_id: str) -> dict[str, Any]:
        try:
            one = _fetched(box, message_id)
        except (errors.ProviderError, NoLongerLive) as error:
            self.failed = error.with_traceback(None)
            return {"body": ""}
        text = safe_text.decode(safe_text.encode(one.shown, message_codec.inline_parts(one.mail)))
        return {"body": inline_images.body(box.connection_id, one.message_id, text)}


def _find_file(opened: Mapping[str, bytes]) -> tuple[str, str]:
    where = remote_message_refs.where(opened)
    if "part" not in where:
        raise NotFound
    return where["id"], where["part"]


def _one(asked: Asked, place: Place) -> tuple[Row, Permits]:
    theirs = visible_mailboxes.of(asked)
    connection_id = theirs.shown.get(place.integration_id)
    if connection_id is None:
        raise NotFound
    sealed = place.sealed()
    key = Connection.objects.values_list("provider", flat=True).get(id=connection_id)
    granted = permits.to_display(
        actor=asked.actor,
        counts={place.integration_id: 1},
        data_classes=_WHOLE,
        at=asked.at,
        found=theirs.found,
    )
    box = Box(place.integration_id, connection_id, PROVIDERS[key].label)
    return Row(box, {"where": sealed}), granted


def _fetched(box: Box, message_id: str) -> RemoteMessage:
    with provider_calls.opened(box.connection_id) as (units, call):
        (answer,) = call(
            units.fetch, lambda adapter: adapter.fetch([Wanted(message_id=message_id)])
        )
    if not isinstance(answer, RemoteThread):
        raise answer
    return answer.messages[0]


def _filename(_: Box, opened: Mapping[str, bytes]) -> dict[str, Any]:
    return {"filename": remote_message_refs.where(opened)["filename"]}
