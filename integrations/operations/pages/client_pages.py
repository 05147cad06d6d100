"""Contexts of the pages of service clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.models import ServiceClient
from integrations.operations import feature_clients
from integrations.operations.feature_clients import ClientOverview
from limited_use.agreements.client_history import ClientStep
from limited_use.ledger import entries

from . import client_messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class StepRow:
    entry_id: UUID
    at: datetime
    text: StrOrPromise
    who: StrOrPromise
    channel: StrOrPromise


def build_list_context(overviews: Sequence[ClientOverview]) -> dict[str, Any]:
    return {
        "live": [overview for overview in overviews if overview.is_live],
        "retired": [overview for overview in overviews if not overview.is_live],
    }


def build_change_context(client: ServiceClient, *, at: datetime) -> dict[str, Any]:
    [overview] = feature_clients.build_client_overviews([client], at=at)
    return {"client": client, "overview": overview}


def build_client_context(client: ServiceClient, *, reader_id: UUID, at: datetime) -> dict[str, Any]:
    context = build_change_context(client, at=at)
    reader = entries.get_ledger_pseudonym(reader_id)
    steps = reversed(context["overview"].steps)
    return {**context, "steps": [_describe_step(step, reader) for step in steps]}


def _describe_step(step: ClientStep, reader: str) -> StepRow:
    if step.operator is None:
        who: StrOrPromise = client_messages.UNNAMED
    elif step.operator == reader:
        who = client_messages.YOU
    else:
        # The names of other people are not shown at the staff site.
        who = client_messages.ANOTHER_OPERATOR % {"name": step.operator[:8]}
    return StepRow(
        entry_id=step.entry_id,
        at=step.at,
        text=client_messages.STEPS.get(step.event, step.event),
        who=who,
        channel=client_messages.CHANNELS.get(step.channel, ""),
    )
