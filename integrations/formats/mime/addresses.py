"""
Read mail addresses by RFC 5322 with obsolete forms (§4.4) and RFC 6532. Never raises.

The standard library's readers differ between patch levels of Python.

- The address in angle brackets is the address; other words are the display name.
- Each written address is an entry, unless it precedes angle brackets.
- Encoded words are decoded last, so that a comma in one cannot add a recipient.
- Text without an address is kept as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from . import display_name_addresses, headers
from .address_reader import MAX_ADDRESSES, AddressReader

#: Length of a header value, in characters. The rest is not read.
MAX_LENGTH: Final = 64 * 1024

# Most mail: an address with or without a name, neither with a special form.
_PLAIN: Final = re.compile(
    r"(?:(?:([\w=?+/*-]+(?: [\w=?+/*-]+)*)|\"([^\"\\<>@,;:()]+)\") )?"
    r"(<)?([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)+)(>)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class MailAddress:
    """
    :param name: decoded and printable; may be empty
    :param address: as written; may be invalid or empty
    """

    name: str
    address: str


def read_addresses(text: str) -> list[MailAddress]:
    """:param text: with encoded words"""
    plain = _read_plain(text)
    return plain or [
        MailAddress(*entry) for entry in AddressReader(text[:MAX_LENGTH]).read_entries()
    ]


def read_address_headers(values: Iterable[str]) -> tuple[MailAddress, ...]:
    """Return at most `MAX_ADDRESSES`."""
    addresses: list[MailAddress] = []
    for value in values:
        addresses += read_addresses(value)
    return tuple(addresses[:MAX_ADDRESSES])


def names_another_address(address: MailAddress) -> bool:
    """
    Return whether the display name contains a different address.

    Ignores letter case, width and invisible characters.
    """
    return display_name_addresses.contains_other_address(address.name, address.address)


def _read_plain(text: str) -> list[MailAddress]:
    addresses: list[MailAddress] = []
    for entry in text[:MAX_LENGTH].split(", ", MAX_ADDRESSES):
        match = _PLAIN.fullmatch(entry)
        if match is None:
            return []
        words, quoted, opening, address, closing = match.groups()
        name = words or quoted or ""
        if (opening is None) is not (closing is None) or (name and opening is None):
            return []
        addresses.append(MailAddress(headers.decode_text(name), address))
    return addresses
