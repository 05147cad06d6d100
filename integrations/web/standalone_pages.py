"""The policy of pages that are shown where static files may be away: their style is in the page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from django.template.loader import render_to_string


@cache
def build_policy() -> str:
    """Return the `Content-Security-Policy` of `standalone.html`: its own style, and no other."""
    digest = hashlib.sha256(render_to_string("standalone.css").encode()).digest()
    style = f"'sha256-{base64.b64encode(digest).decode()}'"
    return f"default-src 'none'; style-src {style}; base-uri 'none'; frame-ancestors 'none'"
