"""What happened to a connection, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.connections import status_messages
from integrations.models import Connection, Integration, PurgeJob, StatusChange, SupportAct
from integrations.models import PurgeStep as Step
from integrations.models import SupportActKind as Kind

from . import messages, operator_messages, product_states

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_ENTRIES: Final = 100


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """:param subject: a product or the account; empty if the text names it"""

    at: datetime
    subject: StrOrPromise
    text: StrOrPromise


def list_entries(
    connection: Connection, integrations: Sequence[Integration], jobs: Iterable[PurgeJob]
) -> list[TimelineEntry]:
    names = {each.id: product_states.name_integration(each) for each in integrations}
    entries = [
        *_list_connection_entries(connection),
        *_list_product_entries(integrations),
        *_list_status_entries(integrations, names),
        *(entry for job in jobs for entry in _list_purge_entries(job, names[job.integration_id])),
        *_list_act_entries(connection, integrations, names),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MAX_ENTRIES]


def _list_connection_entries(connection: Connection) -> Iterator[TimelineEntry]:
    account = _("Account")
    yield TimelineEntry(
        connection.connected_at, account, _("Connected, for the first time or again")
    )
    if connection.reauth_since is not None:
        yield TimelineEntry(connection.reauth_since, account, _("Access ended at the provider"))
    if connection.revocation_tried_at is not None:
        revocation = operator_messages.REVOCATION[connection.revocation]
        yield TimelineEntry(
            connection.revocation_tried_at,
            account,
            _("Provider asked to end the access: %(outcome)s") % {"outcome": revocation},
        )
    if connection.ended_at is not None:
        yield TimelineEntry(connection.ended_at, account, _("Ended"))


def _list_product_entries(integrations: Iterable[Integration]) -> Iterator[TimelineEntry]:
    for integration in integrations:
        name = product_states.name_integration(integration)
        yield TimelineEntry(integration.switched_on_at, name, _("Switched on"))


def _list_status_entries(
    integrations: Iterable[Integration], names: dict[UUID, str]
) -> Iterator[TimelineEntry]:
    by_id = {integration.id: integration for integration in integrations}
    rows = StatusChange.objects.filter(integration_id__in=by_id).order_by("-since", "-id")
    for change in rows[:MAX_ENTRIES]:
        message = status_messages.get_product_message(
            by_id[change.integration_id].product, change.status, change.reason
        )
        reason = operator_messages.REASON.get(change.reason)
        text = f"{message.label}: {reason.cause}" if reason else message.label
        yield TimelineEntry(change.since, names[change.integration_id], text)


def _list_purge_entries(job: PurgeJob, name: str) -> Iterator[TimelineEntry]:
    yield TimelineEntry(job.fenced_at, name, operator_messages.TRIGGER[job.trigger])
    steps = (
        (job.emptied_at, Step.EMPTIED),
        (job.verified_at, Step.VERIFIED),
        (job.done_at, Step.DONE),
    )
    for reached_at, step in steps:
        if reached_at is not None:
            yield TimelineEntry(reached_at, name, operator_messages.PURGE_STEP[step])


def _list_act_entries(
    connection: Connection, integrations: Sequence[Integration], names: dict[UUID, str]
) -> Iterator[TimelineEntry]:
    of_person = Q(kind=Kind.REVOKE_PERSON, asked_at__gte=connection.connected_at)
    if connection.ended_at is not None:
        of_person &= Q(asked_at__lte=connection.ended_at)
    acts = SupportAct.objects.filter(
        Q(connection_id=connection.id) | Q(integration__in=integrations) | of_person,
        user_id=connection.user_id,
    )
    for act in acts.order_by("-asked_at", "-id")[:MAX_ENTRIES]:
        subject = (
            names.get(act.integration_id, _("Account")) if act.integration_id else _("Account")
        )
        kind = messages.ACT[act.kind]
        yield TimelineEntry(act.asked_at, subject, _("Support ordered: %(act)s") % {"act": kind})
        if act.settled_at is not None:
            state = messages.ACT_STATE[act.state]
            yield TimelineEntry(act.settled_at, subject, f"{kind}: {state}")
