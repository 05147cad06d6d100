"""
A receipt for whoever holds its link: both parts, and nothing else of anybody's.

Needs no account, and works after it is gone. The token in the address is all
there is to it: no page here leads elsewhere with it, and no log has it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import request_limits
from accounts.rate_limits import Rate
from limited_use.ledger import signing_keys
from limited_use.models import Receipt
from limited_use.receipts import receipt_links
from limited_use.vault.keyring.port import SigningKey
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import NotProven

RATE: Final = Rate("receipt-link", 60, 60)
_View = Callable[[HttpRequest, list[Receipt]], HttpResponse]


def _by_link(view: _View) -> Callable[[HttpRequest, str], HttpResponse]:
    @never_cache
    @require_safe
    @wraps(view)
    def found(request: HttpRequest, token: str) -> HttpResponse:
        usage = request_limits.count_for_network(request, RATE)
        if not usage.is_within:
            response = request_limits.render_too_many(request, usage)
        else:
            parts = receipt_links.find(token)
            if not parts:
                raise Http404
            response = view(request, parts)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return found


@_by_link
def receipt(request: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    """Return the page with both parts, as far as they exist, and what each proves."""
    shown = [{"part": one.part, "id": one.id, "lines": _proves(one)} for one in parts]
    return render(request, "public/receipt.html", {"parts": shown, "has_second": len(parts) > 1})


@_by_link
def first_part(_: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    return download(parts[0], name="receipt")


@_by_link
def second_part(_: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    """Return part 2; it is not there before the key epoch has ended."""
    if len(parts) < 2:  # noqa: PLR2004
        raise Http404
    return download(parts[1], name="receipt-part-2")


def download(receipt: Receipt, *, name: str) -> HttpResponse:
    """Return the exact bytes: they are what is signed."""
    response = HttpResponse(bytes(receipt.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}-{receipt.id}.json"'
    return response


def _proves(receipt: Receipt) -> list[str]:
    known = [key for role in SigningKey for key in signing_keys.known(role)]
    try:
        return verifier.check(bytes(receipt.document), known)
    except NotProven as problem:
        return [f"NOT PROVEN: {problem}"]
