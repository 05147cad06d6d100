from __future__ import annotations

import re
from typing import Final

#: Examined bytes (HTML, 13.2.3.2: prescan a byte stream).
PRESCAN: Final = 1_024

_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
_META: Final = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)


def find_declared_charset(data: bytes) -> str:
    """Return the first `<meta>` charset, or ""."""
    match = _META.search(_COMMENT.sub(b"", data[:PRESCAN]))
    label = match[1].decode("ascii", errors="replace").lower() if match else ""
    # A declaration in real UTF-16 would not have matched.
    return "utf-8" if label.startswith("utf-16") else label
