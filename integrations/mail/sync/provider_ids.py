"""
Provider ids, stored as keyed hashes only, and their rows.

Integration and provider id identify a message; its Message-ID decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from integrations.models import Message, Thread
from limited_use.vault.sealing import Sealer

from .bulk_sql import MailRowOwner

# Kinds of blinds: equal thread and message ids have different blinds.
MESSAGE = "mail.message"
THREAD = "mail.thread"
RFC822 = "mail.rfc822"


@dataclass(frozen=True, slots=True)
class KnownMessageRow:
    id: UUID
    thread_id: UUID
    seen_round: int


def find_messages(integration_id: UUID, remote_blinds: list[bytes]) -> dict[bytes, KnownMessageRow]:
    rows = Message.objects.filter(
        integration_id=integration_id, remote_blind__any_of=remote_blinds
    ).values_list("remote_blind", "id", "thread_id", "seen_round")
    return {
        bytes(blind): KnownMessageRow(row, thread, seen_round)
        for blind, row, thread, seen_round in rows
    }


def find_threads(integration_id: UUID, remote_blinds: list[bytes]) -> dict[bytes, UUID]:
    rows = Thread.objects.filter(
        integration_id=integration_id, remote_blind__any_of=remote_blinds
    ).values_list("remote_blind", "id")
    return {bytes(blind): thread_id for blind, thread_id in rows}


def encode_provider_id(remote_id: str) -> str:
    """Write lone surrogates as escapes."""
    return remote_id.encode("utf-8", "backslashreplace").decode()


def blind_message_ids(sealer: Sealer, remote_ids: Iterable[str]) -> dict[bytes, str]:
    return {
        sealer.compute_blind(MESSAGE, encode_provider_id(remote_id)): remote_id
        for remote_id in remote_ids
    }


def find_messages_seen(
    remote_ids: Iterable[str], *, owner: MailRowOwner, sealer: Sealer, seen_round: int
) -> set[str]:
    by_blind = blind_message_ids(sealer, remote_ids)
    stored_blinds = Message.objects.filter(
        integration_id=owner.integration_id,
        remote_blind__any_of=list(by_blind),
        seen_round=seen_round,
    ).values_list("remote_blind", flat=True)
    return {by_blind[bytes(blind)] for blind in stored_blinds}


def find_non_drafts(remote_ids: Iterable[str], *, owner: MailRowOwner, sealer: Sealer) -> set[str]:
    by_blind = blind_message_ids(sealer, remote_ids)
    if not by_blind:
        return set()
    stored_blinds = (
        Message.objects.filter(
            integration_id=owner.integration_id, remote_blind__any_of=list(by_blind)
        )
        .exclude(folders__contains=["drafts"])
        .values_list("remote_blind", flat=True)
    )
    return {by_blind[bytes(blind)] for blind in stored_blinds}
