"""The registry of products for the sync engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.calendar import sync
from integrations.mail.sync import mail_turn
from integrations.sync.sync_turn import SyncProduct

#: By the integration's product.
PRODUCTS: Final[Mapping[str, SyncProduct]] = {
    "mail": SyncProduct(open_turn=mail_turn.open_mail_sync_turn),
    "calendar": SyncProduct(
        open_turn=sync.open_calendar_sync_turn, listing_resource=sync.LIST_RESOURCE
    ),
}
