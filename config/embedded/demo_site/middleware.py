from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse

from config.embedded.demo_site import steps

#: Downloads and pages of a receipt. They read signed rows and leave none.
_RECEIPT_ROUTES: Final = frozenset(
    {"settings-receipt", "receipt-link", "receipt-link-part-1", "receipt-link-part-2"}
)


class ReceiptReadMiddleware:
    """Ticks the last step once the service has delivered a receipt."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        match = request.resolver_match
        is_delivered = request.method == "GET" and response.status_code == HTTPStatus.OK
        if match is not None and match.url_name in _RECEIPT_ROUTES and is_delivered:
            steps.tick_receipt_step()
        return response
