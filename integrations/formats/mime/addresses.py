"""
Addresses of mail: who wrote a message, and who receives it.

Reads RFC 5322 with its obsolete forms (§4.4) and RFC 6532 (UTF-8), and never raises. The standard
library has two readers of its own; what they return differs between patch levels of Python.

- The address in angle brackets is the address. The other words of the entry are the display name.
- Each address that is written is an entry, unless it stands before angle brackets.
- Structure is read before encoded words are decoded, so that a comma in an encoded word cannot
  add a recipient.
- Text without an address is kept as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from . import display_name_addresses, headers
from .address_reader import MAX_ADDRESSES, AddressReader

#: Of one header's value, in characters. The rest is not read.
MAX_LENGTH: Final = 64 * 1024

# What most mail says: an address, with or without a name, neither with a special form.
_PLAIN: Final = re.compile(
    r"(?:(?:([\w=?+/*-]+(?: [\w=?+/*-]+)*)|\"([^\"\\<>@,;:()]+)\") )?"
    r"(<)?([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)+)(>)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Address:
    """
    One entry of an address header.

    :param name: the display name, decoded and printable; may be empty
    :param address: as it is written; empty if the entry has none, and perhaps not a valid one
    """

    name: str
    address: str


def read_addresses(text: str) -> list[Address]:
    """
    Return the entries of an address header, in order; nothing is raised.

    :param text: the header's value; its encoded words are not decoded yet
    """
    plain = _read_plain(text)
    return plain or [Address(*entry) for entry in AddressReader(text[:MAX_LENGTH]).read_entries()]


def read_headers(values: Iterable[str]) -> tuple[Address, ...]:
    """Return the entries of all headers of one name, at most `MAX_ADDRESSES`."""
    addresses: list[Address] = []
    for value in values:
        addresses += read_addresses(value)
    return tuple(addresses[:MAX_ADDRESSES])


def names_another_address(address: Address) -> bool:
    """
    Return whether the display name contains an address that is not the entry's own.

    Letter case, width and invisible characters make no difference.
    """
    return display_name_addresses.contains_other_address(address.name, address.address)


def _read_plain(text: str) -> list[Address]:
    """Return the entries of `text`, or none if one of them may have a special form."""
    addresses: list[Address] = []
    for entry in text[:MAX_LENGTH].split(", ", MAX_ADDRESSES):
        match = _PLAIN.fullmatch(entry)
        if match is None:
            return []
        words, quoted, opening, address, closing = match.groups()
        name = words or quoted or ""
        if (opening is None) is not (closing is None) or (name and opening is None):
            return []
        addresses.append(Address(headers.decode_text(name), address))
    return addresses
