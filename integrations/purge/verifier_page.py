"""
`verify.html`: one file that checks receipts in a browser, without network.

The file in this folder works by itself. Its Content Security Policy names the hashes of its script
and its style, so that nothing else runs in it. `python -m tests.pin_verifier` writes the hashes
and the texts of `messages` into the file. A download has this service's public keys in it, as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils.html import json_script

from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_products
from limited_use.ledger.signing_keys import PublishedSigningKey

from . import receipt_summary
from .messages import receipt, verifier

PAGE: Final = Path(__file__).with_name("verify.html")
_DATA: Final = '<script id="{}" type="application/json">.*?</script>'


def render_verifier_page(keys: Iterable[PublishedSigningKey], *, keys_page: str) -> str:
    """
    Return the page with the texts in the active language.

    :param keys: current and former keys
    :param keys_page: absolute URL of the published keys
    """
    service = {
        "keys": [{"key": str(published.key), "role": str(published.role)} for published in keys],
        "keys_page": keys_page,
    }
    page = replace_data(_read_page(), "texts", build_texts())
    return replace_data(page, "service", service)


def build_texts() -> dict[str, Any]:
    sentences = {**receipt.SENTENCES, "verify.checked-here": verifier.CHECKED}
    return {
        "schema": receipt_summary.SCHEMA,
        "page": _to_texts(verifier.PAGE),
        "checks": _to_texts(verifier.CHECKS),
        "part_2": str(verifier.PART_2),
        "rejections": _to_texts(verifier.REJECTIONS),
        "sentences": _to_texts(sentences),
        "access": receipt_summary.ACCESS,
        "reasons": _to_texts(receipt.REASONS),
        "triggers": _to_texts(receipt.TRIGGERS),
        "support_reasons": receipt.list_support_reasons(),
        "stores": _to_texts(receipt.STORES),
        "unknown_store": str(receipt.UNKNOWN_STORE),
        "other_stores": str(receipt.OTHER_STORES),
        "notes": _to_texts(receipt.NOTES),
        "until": str(receipt.UNTIL),
        "key_lines": _to_texts(receipt.KEY_LINES),
        "features": receipt.list_feature_titles(),
        "not_confirmed": str(receipt.NOT_CONFIRMED),
        "counts": receipt.list_count_forms(),
        "providers": {
            key: {
                "label": provider.label,
                "grants": provider.grants,
                "names": name_products(key),
            }
            for key, provider in PROVIDERS.items()
        },
    }


@cache
def _read_page() -> str:
    return PAGE.read_text(encoding="utf-8")


def _to_texts(messages: Any) -> dict[str, str]:
    return {key: str(message) for key, message in messages.items()}


def replace_data(page: str, element_id: str, value: object) -> str:
    """Return `page` with `value` in its data block, which is data and never runs."""
    element = str(json_script(value, element_id))
    pattern = re.compile(_DATA.format(element_id), re.DOTALL)
    replaced, count = pattern.subn(lambda _: element, page)
    if count != 1:
        raise ValueError(f"the page has no data {element_id}")
    return replaced
