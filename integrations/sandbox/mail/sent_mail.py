"""Recipients of sent mail, and the journal of what a provider accepted."""

import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from integrations.sandbox.mail.message_references import get_header_block

TAG_HEADER = "X-Antares-Send"
RECIPIENT_HEADERS = ("to", "cc", "bcc")
_BCC = re.compile(rb"^bcc:(?:[^\r\n]|\r?\n[ \t])*\r?\n", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class AcceptedMail:
    """
    One acceptance. Two with the same tag are a duplicate.

    :param tag: header or extended property of the client
    :param id: the provider's id of the draft or message
    """

    provider: str
    email: str
    tag: str
    recipients: tuple[str, ...]
    subject: str
    at: float
    id: str


def read_header(raw: bytes, name: str) -> str:
    """Unfolded, with encoded words."""
    value = BytesHeaderParser().parsebytes(get_header_block(raw)).get(name, "")
    return " ".join(str(value).split())


def read_recipients(raw: bytes) -> tuple[str, ...]:
    """Addresses in lower case. Encoded words are not decoded: they cannot add a recipient."""
    message = BytesHeaderParser().parsebytes(get_header_block(raw))
    values = [str(value) for name in RECIPIENT_HEADERS for value in message.get_all(name, [])]
    addresses = (address.lower() for _, address in getaddresses(values) if "@" in address)
    return tuple(dict.fromkeys(addresses))


def remove_bcc(raw: bytes) -> bytes:
    block = get_header_block(raw)
    # With the line end of the last header.
    head = raw[: len(block) + 2]
    return _BCC.sub(b"", head) + raw[len(head) :]
