"""Addresses as a form shows them, so that the reading side's parser reads the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from integrations.formats.mime.addresses import MailAddress

# A name of these needs no quotes.
_PLAIN_NAME: Final = re.compile(r"[\w ]+")
_QUOTED: Final = re.compile(r"([\\\"])")


def format_address_text(addresses: Iterable[MailAddress]) -> str:
    return ", ".join(_format_address(address) for address in addresses)


def _format_address(entry: MailAddress) -> str:
    name = " ".join(entry.name.split())
    if not name or name == entry.address:
        return entry.address
    if not _PLAIN_NAME.fullmatch(name):
        name = '"' + _QUOTED.sub(r"\\\1", name) + '"'
    return f"{name} <{entry.address}>"


def select_others(
    addresses: Iterable[MailAddress], own_addresses: Collection[str]
) -> tuple[MailAddress, ...]:
    """
    Return each address once, without the owner's own.

    :param own_addresses: in `casefold`
    """
    selected: dict[str, MailAddress] = {}
    for entry in addresses:
        key = entry.address.casefold()
        if key and key not in own_addresses:
            selected.setdefault(key, entry)
    return tuple(selected.values())
