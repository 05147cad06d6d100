"""The owner of messages, as their rows name them."""

from __future__ import annotations

from uuid import UUID

from integrations.access.request_context import RequestContext
from integrations.mail.visible_mailboxes import NO_ORGANISATION


def get_owner_columns(context: RequestContext) -> dict[str, UUID]:
    """Return `user_id` and `organisation_id`, as the outbox and stored mail have them."""
    return {
        "user_id": context.user_id,
        "organisation_id": context.actor.organisation_id or NO_ORGANISATION,
    }
