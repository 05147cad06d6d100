"""
Pictures that came with a message and stand in its text: fetched from its own provider for a look.

Called inside the sink that shows the text. Bounded in number and size; one that cannot be had now
is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from integrations import calling
from integrations.fences import NoLongerLive
from integrations.mime import html
from integrations.providers import errors

# Of one message.
MOST: Final = 20


def of(connection_id: UUID, message_id: str, content: Mapping[str, Any]) -> dict[str, html.Picture]:
    """
    Return what the text of a message shows, by content id.

    :param message_id: the provider's
    :param content: its body, as it was sealed
    """
    found: dict[str, html.Picture] = {}
    asked = 0
    for content_id in html.pictures_in(content["html"]):
        part, content_type = content["inline"].get(content_id) or ("", "")
        if not content_type.startswith("image/"):
            continue
        if asked == MOST:
            break
        asked += 1
        try:
            data = calling.file(connection_id, message_id, part, most=html.MAX_PICTURE)
        except errors.Unavailable:
            # Nor will the next one be had now: nobody waits for each of them.
            break
        except (errors.ProviderError, NoLongerLive):
            continue
        found[content_id] = (content_type, data)
    return found
