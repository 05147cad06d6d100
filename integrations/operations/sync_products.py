"""The registry of products that the sync engine is given: a new product adds a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.calendar import sync
from integrations.mail.sync import mail_turn
from integrations.sync.sync_turn import Product

#: By product of the integration.
PRODUCTS: Final[Mapping[str, Product]] = {
    "mail": Product(open_turn=mail_turn.opened),
    "calendar": Product(open_turn=sync.opened, listing=sync.LISTING),
}
