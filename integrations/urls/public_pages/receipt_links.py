"""
Both parts of a receipt, for anyone who has its link.

A link needs no account, and works after the account is deleted. The URL's token is the only
secret: no referrer and no log contains it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import request_limits
from accounts.rate_limit_counters import Rate
from integrations.purge import receipt_summary
from limited_use.ledger import signing_keys
from limited_use.models import Receipt
from limited_use.receipts import receipt_links
from limited_use.vault.keyring.keyring_port import SigningKey
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import ReceiptNotProven

RATE: Final = Rate("receipt-link", 60, 60)
_ReceiptView = Callable[[HttpRequest, list[Receipt]], HttpResponse]


def _find_receipt_by_link(view: _ReceiptView) -> Callable[[HttpRequest, str], HttpResponse]:
    @never_cache
    @require_safe
    @wraps(view)
    def handle_request(request: HttpRequest, token: str) -> HttpResponse:
        usage = request_limits.count_for_network(request, RATE)
        if not usage.is_within:
            response = request_limits.render_too_many(request, usage)
        else:
            parts = receipt_links.find_receipts(token)
            if not parts:
                raise Http404
            response = view(request, parts)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return handle_request


@_find_receipt_by_link
def show_receipt(request: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    documents = _read_verified(parts)
    context = {
        "summary": receipt_summary.summarize_receipt(*documents) if documents else None,
        "is_proven": bool(documents),
        "has_second": len(parts) > 1,
        "parts": [
            {"number": part.part, "content": json.dumps(document, indent=2, ensure_ascii=False)}
            for part, document in zip(parts, documents, strict=False)
        ],
    }
    return render(request, "public/receipt.html", context)


@_find_receipt_by_link
def download_first_part(_: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    return download_receipt(parts[0], name="receipt")


@_find_receipt_by_link
def download_second_part(_: HttpRequest, parts: list[Receipt]) -> HttpResponse:
    """Part 2 exists after the key epoch ends."""
    if len(parts) < 2:  # noqa: PLR2004
        raise Http404
    return download_receipt(parts[1], name="receipt-part-2")


def download_receipt(receipt: Receipt, *, name: str) -> HttpResponse:
    """The signature covers these exact bytes."""
    response = HttpResponse(bytes(receipt.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}-{receipt.id}.json"'
    return response


def _read_verified(parts: list[Receipt]) -> list[dict[str, Any]]:
    """Return the content of each part, or nothing if a check fails."""
    known = [key for role in SigningKey for key in signing_keys.get_known_signing_keys(role)]
    documents = [bytes(part.document) for part in parts]
    try:
        if len(documents) > 1:
            verifier.check_both_parts(documents[0], documents[1], known)
        else:
            verifier.check_signed_document(documents[0], known)
    except ReceiptNotProven:
        return []
    return [json.loads(document) for document in documents]
