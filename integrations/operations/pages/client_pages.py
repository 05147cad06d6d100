"""Contexts of the pages of service clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.client_keys import ClientKey, list_client_keys
from accounts.models import ServiceClient, ServiceClientChange
from integrations.operations import client_changes, feature_clients
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
    approver: StrOrPromise
    channel: StrOrPromise


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """
    :param redirect_uris: None if the change does not replace them
    :param can_approve: whether the reader may approve it
    """

    change: ServiceClientChange
    title: StrOrPromise
    state: StrOrPromise
    who: StrOrPromise
    approver: StrOrPromise
    purposes: Sequence[str]
    keys: Sequence[ClientKey]
    redirect_uris: Sequence[str] | None
    expires_at: datetime
    can_approve: bool


def build_list_context(
    overviews: Sequence[ClientOverview], *, reader_id: UUID, at: datetime
) -> dict[str, Any]:
    changes = client_changes.list_recent_changes(at=at)
    return {
        "changes": [describe_change(change, reader_id=reader_id, at=at) for change in changes],
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


def describe_change(change: ServiceClientChange, *, reader_id: UUID, at: datetime) -> ChangeRow:
    is_waiting = client_changes.is_waiting_for_operator(change, at=at)
    if change.refusal:
        state = client_messages.REFUSALS.get(change.refusal, change.refusal)
    elif change.settled_at:
        state = client_messages.APPLIED
    elif is_waiting:
        state = client_messages.WAITS_FOR_OPERATOR
    else:
        state = client_messages.WAITS_FOR_WORKER
    reader = entries.get_ledger_pseudonym(reader_id)
    who, approver = (
        _describe_operator(entries.get_ledger_pseudonym(operator), reader) if operator else ""
        for operator in (change.proposed_by, change.approved_by)
    )
    return ChangeRow(
        change=change,
        title=client_messages.CHANGES.get(change.kind, change.kind),
        state=state,
        who=who,
        approver=approver,
        purposes=change.values.get("purposes", ()),
        keys=list_client_keys(change.values["jwks"]) if "jwks" in change.values else (),
        redirect_uris=change.values.get("redirect_uris"),
        expires_at=change.proposed_at + client_changes.LASTS,
        can_approve=is_waiting and change.proposed_by != reader_id,
    )


def _describe_operator(operator: str | None, reader: str) -> StrOrPromise:
    if operator is None:
        return client_messages.UNNAMED
    if operator == reader:
        return client_messages.YOU
    # The names of other people are not shown at the staff site.
    return client_messages.ANOTHER_OPERATOR % {"name": operator[:8]}


def _describe_step(step: ClientStep, reader: str) -> StepRow:
    return StepRow(
        entry_id=step.entry_id,
        at=step.at,
        text=client_messages.STEPS.get(step.event, step.event),
        who=_describe_operator(step.operator, reader),
        approver=_describe_operator(step.approver, reader) if step.approver else "",
        channel=client_messages.CHANNELS.get(step.channel, ""),
    )
