"""What an owner wrote, checked before it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from integrations.formats.mime import outgoing_headers
from integrations.formats.mime.addresses import MailAddress, read_addresses
from integrations.formats.mime.outgoing_headers import InvalidOutgoingMail
from integrations.outbox.command_content import CommandContent, QuoteKind

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Characters. Longer than any subject that mail programs show, and shorter than relays refuse.
MAX_SUBJECT: Final = 900
MAX_TEXT: Final = 200_000
#: Characters of one field of recipients; 50 addresses with names are shorter.
MAX_RECIPIENTS_TEXT: Final = 20_000
MAX_FILES: Final = 25
UNDO_CHOICES: Final = (5, 10, 20, 30)

#: An address list of RFC 5322, or its entries. Entries are never parsed: a name with a comma or a
#: quote cannot add a recipient.
Recipients: TypeAlias = str | tuple[MailAddress, ...]


class InvalidMessage(Exception):
    """:ivar problems: sentences by field: sender, to, cc, bcc, subject, text, files"""

    def __init__(self, problems: Mapping[str, StrOrPromise]) -> None:
        super().__init__(sorted(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """
    As the form or the API sends it.

    :param sender: one of the account's addresses; "" for the account's own
    :param answered_id: our id of the message that is answered or forwarded
    :param forwarded_ids: our ids of its files to send along
    :param replaces: id of an unsent command with this message
    :param proposal_id: of the proposed draft that it was
    """

    to: Recipients
    cc: Recipients
    bcc: Recipients
    subject: str
    text: str
    sender: str = ""
    quote: QuoteKind = QuoteKind.NONE
    answered_id: UUID | None = None
    forwarded_ids: tuple[UUID, ...] = ()
    upload_ids: tuple[UUID, ...] = ()
    replaces: UUID | None = None
    proposal_id: UUID | None = None


def check_message(written: WrittenMessage) -> CommandContent:
    """
    Check everything but the number of recipients, which the guard decides and records.

    :raises InvalidMessage: with every problem at once
    """
    problems: dict[str, StrOrPromise] = {}
    recipients = {
        field: _read_recipients(field, getattr(written, field), problems)
        for field in ("to", "cc", "bcc")
    }
    if not any(recipients.values()) and "to" not in problems:
        problems["to"] = messages.NO_RECIPIENT
    if len(written.subject) > MAX_SUBJECT:
        problems["subject"] = messages.SUBJECT_TOO_LONG
    if len(written.text) > MAX_TEXT:
        problems["text"] = messages.TEXT_TOO_LONG
    if len(written.upload_ids) + len(written.forwarded_ids) > MAX_FILES:
        problems["files"] = messages.TOO_MANY_FILES
    if problems:
        raise InvalidMessage(problems)
    return CommandContent(
        # The worker looks it up among the account's addresses.
        sender=MailAddress("", written.sender.strip()),
        subject=" ".join(written.subject.split()),
        text=written.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""),
        quote=written.quote,
        forwarded_ids=written.forwarded_ids,
        **recipients,
    )


def _read_recipients(
    field: str, written: Recipients, problems: dict[str, StrOrPromise]
) -> tuple[MailAddress, ...]:
    """Keep each address once."""
    if isinstance(written, str) and len(written) > MAX_RECIPIENTS_TEXT:
        problems[field] = messages.TOO_MANY_RECIPIENTS
        return ()
    recipients: dict[str, MailAddress] = {}
    for entry in _split_recipients(written):
        try:
            outgoing_headers.check_address(entry.address)
        except InvalidOutgoingMail:
            problems[field] = messages.ADDRESS_INVALID % {"address": entry.address or entry.name}
            continue
        recipients.setdefault(entry.address.casefold(), entry)
    return tuple(recipients.values())


def _split_recipients(written: Recipients) -> Sequence[MailAddress]:
    if not isinstance(written, str):
        return written
    return read_addresses(written.replace(";", ",")) if written.strip() else ()
