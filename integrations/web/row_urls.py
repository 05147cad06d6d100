from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse

_ANY: Final = UUID(int=0)


class RowUrl:
    """
    Builds row URLs: a route is reversed once per page, not once per row.

    :param query: the same for all rows; begins with `?` unless it is empty
    """

    def __init__(self, route: str, *, query: str = "") -> None:
        self._before, _, after = reverse(route, args=[_ANY]).partition(str(_ANY))
        self._after = after + query

    def get_url(self, row_id: UUID) -> str:
        return f"{self._before}{row_id}{self._after}"
