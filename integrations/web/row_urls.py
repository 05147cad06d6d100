from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse

_ANY: Final = UUID(int=0)


class RowUrl:
    """Builds row URLs: a route is reversed once per page, not once per row."""

    def __init__(self, route: str) -> None:
        self._before, _, self._after = reverse(route, args=[_ANY]).partition(str(_ANY))

    def get_url(self, row_id: UUID) -> str:
        return f"{self._before}{row_id}{self._after}"
