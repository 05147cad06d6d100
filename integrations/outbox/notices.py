"""Notices about messages of the outbox: not sent, unknown, or returned."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from integrations.models import NoticeChannel, OutboxCommand, OutboxKind, OutboxState
from integrations.notifications import notify
from integrations.notifications.notice_details import NoticeDetails
from integrations.notifications.notice_kinds import NoticeKindSpec, NoticeMessage
from limited_use.policy.claims import claim

# The pages of the outbox.
_ROUTE: Final = "inbox-outbox"

SEND_PROBLEM: Final = NoticeKindSpec(
    key="send_problem",
    title=_("A message could not be sent"),
    says=_("When a message could not be sent, or Antares does not know whether it was sent."),
    why="The person believes that the message was sent.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="send_failed",
            text=claim("notice.send-failed", _("A message from your %(product)s was not sent.")),
            link_text=_("See the reason"),
            route_name=_ROUTE,
        ),
        NoticeMessage(
            key="send_unknown",
            text=claim(
                "notice.send-unknown",
                _("Antares does not know whether a message from your %(product)s was sent."),
            ),
            link_text=_("Decide"),
            route_name=_ROUTE,
        ),
    ),
)

MESSAGE_RETURNED: Final = NoticeKindSpec(
    key="message_returned",
    title=_("A message came back"),
    says=_("When a mail server answers that a message did not reach a recipient."),
    why="The person believes that the message arrived.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="message_returned",
            text=_("A message from your %(product)s did not reach a recipient."),
            link_text=_("See the message"),
            route_name=_ROUTE,
        ),
    ),
)


def notify_of_problem(command: OutboxCommand, *, at: datetime) -> bool:
    """
    Notify the owner of a failed or unknown message, in the transaction that settles it.

    A notice that could not be sent is on the page already: it notifies of nothing.

    :param command: with its integration and connection
    """
    if command.kind != OutboxKind.MAIL:
        return False
    is_unknown = command.state == OutboxState.UNKNOWN
    return _notify(command, "send_unknown" if is_unknown else "send_failed", at=at)


def notify_of_return(command: OutboxCommand, *, at: datetime) -> bool:
    """Notify the owner of a bounce, in the transaction that records it."""
    return _notify(command, "message_returned", at=at)


def resolve_problem(command: OutboxCommand, *, at: datetime) -> None:
    """The message was sent or is looked for again, or its owner discarded or replaced it."""
    notify.resolve_notices(
        SEND_PROBLEM,
        about=command.id,
        user_id=command.user_id,
        organisation_id=command.organisation_id,
        at=at,
    )


def _notify(command: OutboxCommand, message: str, *, at: datetime) -> bool:
    integration = command.integration
    return notify.notify(
        message,
        user_id=command.user_id,
        organisation_id=command.organisation_id,
        about=command.id,
        episode_at=command.changed_at,
        details=NoticeDetails(
            provider=integration.connection.provider, product=integration.product
        ),
        at=at,
    )
