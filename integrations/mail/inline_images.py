"""
Inline images in a message's text, fetched from the own provider for each view, inside the sink.
Size and number are bounded; an unavailable image is left out.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final
from uuid import UUID

from integrations.access.fences import DisconnectedError
from integrations.coordination import person_slots
from integrations.formats.mime.safe_text import Picture, SafeText
from integrations.grants import provider_calls
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers import errors

#: Most images fetched for one message.
MOST: Final = 20
#: Bytes of one image.
LARGEST: Final = 2 * 1024 * 1024
#: Characters of all images in one text, repetitions included.
LARGEST_IN_ALL: Final = 8 * 1024 * 1024


def embed_pictures(connection_id: UUID, message_id: str, text: SafeText) -> str:
    """
    Return safe HTML.

    :param message_id: the provider's
    :raises person_slots.TooManyWaits: only if the text has images
    """
    pictures = list(islice(dict.fromkeys(filter(None, text.pictures)), MOST))
    if not pictures:
        return _insert_pictures(text, {})
    # One wait for all images, so that none is refused after others were fetched.
    with person_slots.hold_wait_slot():
        return _insert_pictures(text, dict(_fetch_pictures(connection_id, message_id, pictures)))


def _fetch_pictures(
    connection_id: UUID, message_id: str, pictures: Iterable[Picture]
) -> Iterator[tuple[Picture, str]]:
    for picture in pictures:
        part, content_type = picture
        try:
            data = provider_calls.fetch_file(connection_id, message_id, part, max_bytes=LARGEST)
        except (errors.Unavailable, errors.RateLimited, ParsersBusy):
            # The next image would fail as well.
            return
        except (errors.ProviderError, DisconnectedError):
            continue
        yield picture, f"data:{content_type};base64,{b64encode(data).decode('ascii')}"


def _insert_pictures(text: SafeText, addresses: Mapping[Picture, str]) -> str:
    """Insert images up to `LARGEST_IN_ALL`."""
    filled, room = [text.pieces[0]], LARGEST_IN_ALL
    for picture, piece in zip(text.pictures, text.pieces[1:], strict=True):
        address = addresses.get(picture) if picture else None
        if address is not None and len(address) <= room:
            room -= len(address)
            filled.append(f' src="{address}"')
        filled.append(piece)
    return "".join(filled)
