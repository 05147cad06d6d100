"""Third-party HTML as a separate document for frames, with its security policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from csp.constants import NONE, UNSAFE_INLINE
from django.http import HttpResponse

# The response repeats the frame's limits, so that opening the URL directly is as safe:
# opaque origin, no scripts, no forms; links open in a new window.
POLICY: Final[Mapping[str, Any]] = {
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    "default-src": [NONE],
    "img-src": ["data:"],
    "style-src": [UNSAFE_INLINE],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": ["'self'"],
}

_HEAD: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="referrer" content="no-referrer"><title>Text</title><style>'
    "html{color-scheme:light;background:#fff;color:#171b24}"
    "body{margin:0;padding:16px 24px;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}"
    "blockquote{margin:8px 0;padding-left:12px;border-left:3px solid #dde1e8}"
    '</style></head><body dir="auto">'
)


def render_document(text: bytes, *, status: int = 200) -> HttpResponse:
    """:param text: sanitised HTML"""
    document = b"".join((_HEAD.encode(), text, b"</body></html>"))
    response = HttpResponse(document, status=status, content_type="text/html; charset=utf-8")
    response["Referrer-Policy"] = "no-referrer"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
