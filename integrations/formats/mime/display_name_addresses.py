"""Find addresses in display names, which readers take for the sender's address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

#: Examined characters of a name. Pages never show more.
MAX_NAME: Final = 2_000
_MAX_LOCAL: Final = 80
_MAX_DOMAIN: Final = 260

# RFC 6531: both parts may have letters beyond ASCII.
_LOCAL: Final = re.compile(r"[^\s<>()\[\],;:\"@\u201c-\u201f\u00ab\u00bb]+$")
_DOMAIN: Final = re.compile(r"(?:[\w-]+[.\u3002])+[\w-]{2,}")
# Outlook puts a name that is an address in apostrophes.
_APOSTROPHE: Final = "'"
# Format characters, and combining marks.
_INVISIBLE: Final = frozenset({"Cf", "Mn"})


def contains_other_address(name: str, own_address: str) -> bool:
    if name.isascii() and "@" not in name:
        return False
    own_address = _normalise_domain(_fold_text(own_address)).lstrip(_APOSTROPHE)
    return any(address != own_address for address in _find_addresses(_fold_text(name[:MAX_NAME])))


def _fold_text(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text)
    visible = (
        character for character in plain if unicodedata.category(character) not in _INVISIBLE
    )
    return "".join(visible).casefold()


def _find_addresses(text: str) -> Iterator[str]:
    for at in (index for index, character in enumerate(text) if character == "@"):
        before, after = text[max(0, at - _MAX_LOCAL) : at], text[at + 1 : at + _MAX_DOMAIN]
        # "Support @ Example.com" is not an address; a space on one side may replace an invisible
        # character.
        if before[-1:].isspace() and after[:1].isspace():
            continue
        local, domain = _LOCAL.search(before.rstrip()), _DOMAIN.match(after.lstrip())
        if local and domain:
            yield _normalise_domain(f"{local[0]}@{domain[0]}").lstrip(_APOSTROPHE)


def _normalise_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address
