"""
How tall a message's frame begins.

A frame whose origin is nobody's cannot be measured by the page around it, and nothing in it may
run. So the height is guessed from how many bytes are sealed, which is known without opening
them; a longer text scrolls, the reader can drag the frame taller, or open the text on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.db.models.functions import Length

from integrations.models import MessageBody

# Up to so many sealed bytes (they are compressed), that class of the style sheet; measured on the
# sandbox's letters and newsletters.
CLASSES: Final = ((720, "short"), (1000, "middling"), (1300, "long"))
TALLEST: Final = "tall"


def get_height_class(size: int) -> str:
    """Return the class for a body of `size` sealed bytes."""
    return next((name for most, name in CLASSES if size <= most), TALLEST)


def get_height_classes(message_ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Return the class for each message's frame, in one query that opens nothing."""
    sizes = MessageBody.objects.filter(message_id__in=list(message_ids)).values_list(
        "message_id", Length("content")
    )
    return {message_id: get_height_class(size) for message_id, size in sizes}
