"""The charset that an HTML text declares for itself, read where its part declares none."""

from __future__ import annotations

import re
from typing import Final

#: Bytes that are looked at (HTML, 13.2.3.2: prescan a byte stream).
PRESCAN: Final = 1_024

_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
_META: Final = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)


def find_declared_charset(data: bytes) -> str:
    """Return the charset of the first `<meta>` that has one; "" if none has."""
    match = _META.search(_COMMENT.sub(b"", data[:PRESCAN]))
    label = match[1].decode("ascii", errors="replace").lower() if match else ""
    # In UTF-16 the declaration itself would not have been found.
    return "utf-8" if label.startswith("utf-16") else label
