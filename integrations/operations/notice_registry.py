"""The registry of notices: the kinds of all slices, in the order in which people see them."""

from __future__ import annotations

from typing import Final

from integrations.calendar.notices import CALENDAR_SHARED
from integrations.connections.notices import ADMINISTRATOR_ANSWERED
from integrations.notifications.connection_notices import RECONNECT, REMOVAL
from integrations.notifications.notice_kinds import NoticeKindSpec
from integrations.notifications.support_notices import (
    SUPPORT_ASKS,
    SUPPORT_CHANGED,
    SUPPORT_DISCONNECTED,
    SUPPORT_LOOKED_UP,
)
from integrations.outbox.notices import MESSAGE_RETURNED, SEND_PROBLEM

NOTICE_KINDS: Final[tuple[NoticeKindSpec, ...]] = (
    RECONNECT,
    REMOVAL,
    SUPPORT_DISCONNECTED,
    SUPPORT_LOOKED_UP,
    SUPPORT_CHANGED,
    SEND_PROBLEM,
    MESSAGE_RETURNED,
    CALENDAR_SHARED,
    ADMINISTRATOR_ANSWERED,
    SUPPORT_ASKS,
)
