from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.providers import PROVIDERS

#: Labels of the products, in the order of the pages.
_PRODUCT_LABELS: Final[Mapping[str, str]] = {
    "mail": "mail",
    "calendar": "Calendar",
    "drive": "Drive",
}
PRODUCTS: Final = tuple(_PRODUCT_LABELS)


def name_product(provider: str, product: str) -> str:
    """Return `Google mail`, `Microsoft Calendar` or `Antares calendars`."""
    spec = PROVIDERS[provider]
    return f"{spec.label} {_PRODUCT_LABELS[product]}" if spec.grants else f"{spec.label} calendars"


def name_products(provider: str) -> dict[str, str]:
    """Return the name of each product that the provider has, by its key."""
    spec = PROVIDERS[provider]
    return {
        product: name_product(provider, product)
        for product in PRODUCTS
        if product in spec.products or not spec.grants
    }
