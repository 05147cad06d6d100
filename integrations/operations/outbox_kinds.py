"""The kinds of commands that the outbox sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.mail.sending.owner_mail import OwnerMail
from integrations.models import OutboxKind
from integrations.outbox.notice_mail import MailboxNotice
from integrations.outbox.outbox_turn import CommandKind

KINDS: Final[Mapping[str, CommandKind]] = {
    OutboxKind.MAIL: OwnerMail(),
    OutboxKind.NOTICE: MailboxNotice(),
}
