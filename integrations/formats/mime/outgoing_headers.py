"""Header lines of a mail to send, in ASCII. No value can end its line. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from email.header import Header
from typing import Final
from urllib.parse import quote

from .addresses import MailAddress
from .headers import make_printable

#: Characters of References, because relays refuse longer headers.
MAX_REFERENCES_LENGTH: Final = 1_500
# Two of these fit into References.
_MAX_MESSAGE_ID: Final = 700
#: Characters of a file name, as of most file systems.
MAX_FILENAME: Final = 255
# RFC 5321, 4.5.3.1.
_MAX_LOCAL_PART: Final = 64
_MAX_ADDRESS: Final = 254
_MAX_LABEL: Final = 63
_MAX_NAME: Final = 300
# Longer ASCII values are encoded too, because encoded words can be folded.
_MAX_PLAIN: Final = 60
_PARAMETER_PIECE: Final = 60

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED_LOCAL_PART: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
)
_MESSAGE_ID: Final = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]{0,500}[!-~])?")
_WORDS: Final = re.compile(r"[A-Za-z0-9 ]*")
_PLAIN_FILENAME: Final = re.compile(r"[A-Za-z0-9 ._()+@,-]+")
_PATH_SEPARATORS: Final = re.compile(r"[/\\]+")
# The standard library's IDNA replaces these by other letters, and so by another domain.
_DEVIATIONS: Final = re.compile("[\u00df\u03c2]")
_JOINERS: Final = re.compile("[\u200c\u200d]")


class InvalidOutgoingMail(Exception):
    """
    The mail cannot be sent.

    :param reason: "address"; "address-charset": the part before the "@" is not ASCII, which the
        providers' APIs do not accept; "recipients": there is none; "filename"; "header"
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_address(address: str) -> str:
    """
    Return the address with its domain in ASCII (IDNA).

    :raises InvalidOutgoingMail: if mail cannot be sent to it
    """
    local_part, at, domain = address.rpartition("@")
    if not local_part.isascii():
        raise InvalidOutgoingMail("address-charset")
    if not (_DOT_ATOM.fullmatch(local_part) or _QUOTED_LOCAL_PART.fullmatch(local_part)):
        raise InvalidOutgoingMail("address")
    encoded = f"{local_part}{at}{_encode_domain(domain)}"
    if len(local_part) > _MAX_LOCAL_PART or len(encoded) > _MAX_ADDRESS:
        raise InvalidOutgoingMail("address")
    return encoded


def _encode_domain(domain: str) -> str:
    encoded = domain
    if not domain.isascii() and not _JOINERS.search(domain):
        try:
            encoded = ".".join(map(_encode_label, re.split("[.\u3002\uff0e\uff61]", domain)))
        except UnicodeError:
            encoded = ""
    if not _DOMAIN.fullmatch(encoded) or any(
        len(label) > _MAX_LABEL for label in encoded.split(".")
    ):
        raise InvalidOutgoingMail("address")
    return encoded


def _encode_label(label: str) -> str:
    if not _DEVIATIONS.search(label):
        return label.encode("idna").decode("ascii")
    # Valid in IDNA 2008, which browsers and registries use.
    lower_case = unicodedata.normalize("NFC", label.lower())
    return "xn--" + lower_case.encode("punycode").decode("ascii")


def format_addresses(name: str, addresses: Sequence[MailAddress]) -> str:
    """
    Return a header line, or "" without addresses.

    :raises InvalidOutgoingMail: if mail cannot be sent to an address
    """
    if not addresses:
        return ""
    return f"{name}: " + ",\r\n ".join(map(_format_address, addresses)) + "\r\n"


def _format_address(entry: MailAddress) -> str:
    address = check_address(entry.address)
    # A name that repeats the address adds nothing.
    phrase = make_printable(entry.name)[:_MAX_NAME]
    if not phrase or phrase == entry.address:
        return address
    if len(phrase) <= _MAX_PLAIN and _WORDS.fullmatch(phrase):
        return f'"{phrase}" <{address}>'
    return f"{_encode_words(phrase)}\r\n <{address}>"


def _encode_words(text: str) -> str:
    """Encode by RFC 2047, folded."""
    return Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def format_text(name: str, text: str) -> str:
    """Return a header line with any text, of which control characters are removed."""
    line = make_printable(text)
    if line.isascii() and len(line) <= _MAX_PLAIN and "=?" not in line:
        return f"{name}: {line}\r\n"
    return f"{name}: {_encode_words(line)}\r\n"


def format_value(name: str, value: str) -> str:
    """
    Return a header line of ours.

    :raises InvalidOutgoingMail: if name or value are not plain ASCII
    """
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise InvalidOutgoingMail("header")
    return f"{name}: {value}\r\n"


def format_message_id(message_id: str) -> str:
    """:raises InvalidOutgoingMail: if it is malformed"""
    if not _is_message_id(message_id):
        raise InvalidOutgoingMail("header")
    return f"Message-ID: <{message_id}>\r\n"


def _is_message_id(text: str) -> bool:
    return len(text) <= _MAX_MESSAGE_ID and _MESSAGE_ID.fullmatch(text) is not None


def format_references(name: str, message_ids: Iterable[str]) -> str:
    """Return a header line with `trim_references`, or "" without ids."""
    ids = trim_references(message_ids)
    if not ids:
        return ""
    return f"{name}: " + "\r\n ".join(f"<{message_id}>" for message_id in ids) + "\r\n"


def trim_references(message_ids: Iterable[str]) -> list[str]:
    """
    Keep the first id, the last, and as many of the latest as `MAX_REFERENCES_LENGTH` permits.

    Malformed ids, which senders of other mail made, are left out.
    """
    ids = list(dict.fromkeys(filter(_is_message_id, message_ids)))
    if len(ids) <= 1:
        return ids
    first, *others = ids
    latest: list[str] = []
    # Of the brackets, and of the space between two ids.
    length = len(first) + 2
    for message_id in reversed(others):
        length += len(message_id) + 3
        if latest and length > MAX_REFERENCES_LENGTH:
            break
        latest.append(message_id)
    return [first, *reversed(latest)]


def check_filename(filename: str) -> str:
    """
    Return the name without control characters and path separators.

    :raises InvalidOutgoingMail: if nothing is left, or if it is too long
    """
    name = make_printable(_PATH_SEPARATORS.sub("_", filename))
    if not name or len(name) > MAX_FILENAME:
        raise InvalidOutgoingMail("filename")
    return name


def format_disposition(filename: str) -> str:
    """
    Return the header line of an attachment, with its name by RFC 2231.

    :raises InvalidOutgoingMail: if the file name cannot be sent
    """
    name = check_filename(filename)
    start = "Content-Disposition: attachment;\r\n "
    if len(name) <= _MAX_PLAIN and _PLAIN_FILENAME.fullmatch(name):
        return f'{start}filename="{name}"\r\n'
    pieces = _split_encoded(quote(name, safe=""))
    if len(pieces) == 1:
        return f"{start}filename*=utf-8''{pieces[0]}\r\n"
    pieces[0] = "utf-8''" + pieces[0]
    lines = [f"filename*{number}*={piece}" for number, piece in enumerate(pieces)]
    return start + ";\r\n ".join(lines) + "\r\n"


def _split_encoded(encoded: str) -> list[str]:
    """Split percent-encoded text, but not between a percent sign and its digits."""
    return re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{_PARAMETER_PIECE // 3}}}", encoded)
