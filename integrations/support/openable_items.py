"""The kinds of items that people can open to support, and the operation that opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import Actor
from integrations.calendar import support_access as calendar_support_access
from integrations.mail import support_access as mail_support_access
from integrations.models import ItemKind
from limited_use.models import Consent

# Owner, item, hours, version of the accepted text, the only agent who may read it, and time.
_Open = Callable[[Actor, UUID, int, int, UUID, datetime], Consent]


@dataclass(frozen=True, slots=True)
class OpenableKind:
    """
    :param open_item: opens the owner's own item; raises as `mail.support_access.open_to_support`
    :param reading_route: the agent's page that shows the item, and records each reading
    """

    open_item: _Open
    reading_route: str


def _open_message(  # noqa: PLR0913, PLR0917 - see `_Open`
    actor: Actor, message_id: UUID, hours: int, version: int, reader_id: UUID, at: datetime
) -> Consent:
    return mail_support_access.open_to_support(
        actor=actor,
        message_id=message_id,
        hours=hours,
        version=version,
        reader_id=reader_id,
        at=at,
    )


def _open_event(  # noqa: PLR0913, PLR0917 - see `_Open`
    actor: Actor, event_id: UUID, hours: int, version: int, reader_id: UUID, at: datetime
) -> Consent:
    return calendar_support_access.open_to_support(
        actor=actor,
        event_id=event_id,
        hours=hours,
        version=version,
        reader_id=reader_id,
        at=at,
    )


OPENABLE_KINDS: Final[Mapping[str, OpenableKind]] = {
    ItemKind.MESSAGE: OpenableKind(_open_message, "support-item"),
    ItemKind.EVENT: OpenableKind(_open_event, "support-event"),
}
