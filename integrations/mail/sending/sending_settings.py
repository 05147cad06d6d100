"""The owner's choices for sending from one mailbox: time to undo, and signature."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from accounts.ids import uuid7
from integrations.access import fences, sending_permits
from integrations.access.request_context import InvalidChoice, RequestContext
from integrations.models import Integration, SendingSettings
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault import sealing

from .composed_message import UNDO_CHOICES

DEFAULT_UNDO_SECONDS: Final = 10
#: Characters.
MAX_SIGNATURE: Final = 4_000


def find_sending_settings(integration: Integration) -> SendingSettings | None:
    return SendingSettings.objects.filter(integration_id=integration.id).first()


def get_undo_seconds(integration: Integration) -> int:
    chosen = SendingSettings.objects.filter(integration_id=integration.id)
    return chosen.values_list("undo_seconds", flat=True).first() or DEFAULT_UNDO_SECONDS


def save_sending_settings(
    context: RequestContext, integration: Integration, *, undo_seconds: int, signature: str
) -> None:
    """
    :param integration: the person's mailbox, with its connection
    :param signature: plain text; "" for the provider's
    :raises InvalidChoice: if the time is not offered, or the signature is too long
    :raises fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused: without an agreement to sending
    """
    if undo_seconds not in UNDO_CHOICES or len(signature) > MAX_SIGNATURE:
        raise InvalidChoice
    text = signature.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip("\n")
    granted = sending_permits.to_store_outbox(
        actor=context.actor, integration_id=integration.id, at=context.at
    )
    permit = granted[integration.id, DataClass.MAIL_CONTENT]
    sealer = sealing.get_sealer(holder=integration.id, epoch=permit.epoch)
    with transaction.atomic(durable=True):
        # Also orders two tabs that save the first choice.
        fences.lock_integration(integration_id=integration.id, epoch=permit.epoch)
        settings = find_sending_settings(integration) or SendingSettings(
            id=uuid7(),
            integration=integration,
            user_id=integration.connection.user_id,
            organisation_id=integration.connection.organisation_id,
        )
        settings.undo_seconds = undo_seconds
        settings.signature = (
            sealer.seal_value(SendingSettings, "signature", row=settings.id, data=text)
            if text.strip()
            else None
        )
        settings.save()
