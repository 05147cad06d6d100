from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.providers import PROVIDERS

_PRODUCT_LABELS: Final[Mapping[str, str]] = {
    "mail": "mail",
    "calendar": "Calendar",
    "drive": "Drive",
}


def name_product(provider: str, product: str) -> str:
    """Return `Google mail`, `Microsoft Calendar` or `Antares calendars`."""
    spec = PROVIDERS[provider]
    return f"{spec.label} {_PRODUCT_LABELS[product]}" if spec.grants else f"{spec.label} calendars"
