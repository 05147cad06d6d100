"""The registry of products that the sync engine is given: a new product adds a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.sync import calendars, mailing
from integrations.sync.turn import Product

#: By product of the integration.
PRODUCTS: Final[Mapping[str, Product]] = {
    "mail": Product(open_turn=mailing.opened),
    "calendar": Product(open_turn=calendars.opened, listing=calendars.LISTING),
}
