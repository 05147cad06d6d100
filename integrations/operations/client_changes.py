"""
Changes of service clients: one operator proposes, another approves, and a worker applies.

No process that serves pages writes a client. The staff site seals each proposal and each approval
under a key of the service, so that the worker believes no row that a database login wrote. To
retire a client takes no second operator: it opens nothing, and is urgent after a theft.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Q

from accounts import account_mail, alarms, clients, signed_values
from accounts.client_keys import UnusableClientKeys
from accounts.models import (
    ClientChangeKind,
    ClientChangeRefusal,
    ServiceClient,
    ServiceClientChange,
    User,
)
from accounts.redirect_uris import UnusableRedirectUri
from accounts.roles import Role, RolePermission, get_role_permissions
from accounts.signed_values import InvalidSignedValue
from integrations.coordination import task_queue
from integrations.operations import feature_clients
from limited_use.agreements import service_clients
from limited_use.agreements.service_clients import Operator, OperatorChannel
from limited_use.policy.feature_registry import UndeclaredUse

logger = logging.getLogger(__name__)

#: Time in which a second operator approves a change, and a worker applies it.
LASTS: Final = timedelta(hours=24)
_LISTED: Final = timedelta(days=7)
_PURPOSE: Final = "service client change"
_PROPOSAL: Final = "proposal"
_SETTLED_AT_ONCE: Final = 100
_CHANGED: Final = (
    *(clients.ServiceClientExists, clients.ClientNotLive, clients.ClientChanged),
    *(UndeclaredUse, UnusableClientKeys, UnusableRedirectUri),
)
#: All forged rows of a day are one alarm: a login can write any number of them.
_EVERY_CHANGE: Final = UUID(int=0)


class ChangeRefused(Exception):
    def __init__(self, refusal: ClientChangeRefusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class NotApprovable(Exception):
    """The change is settled, approved, expired or forged, or the operator proposed it."""


def propose_change(  # noqa: PLR0913 - a row
    kind: ClientChangeKind,
    *,
    feature: str,
    client: ServiceClient | None = None,
    values: Mapping[str, Any],
    by: UUID,
    at: datetime,
) -> ServiceClientChange:
    """
    Store a sealed proposal, which the caller has checked like the form of its page.

    :param values: keyword arguments of the function in `service_clients`
    """
    change = ServiceClientChange(
        kind=kind,
        feature=feature,
        client=client,
        values=dict(values),
        proposed_by=by,
        proposed_at=at,
    )
    change.seal = _make_seal(change, _PROPOSAL)
    change.save(force_insert=True)
    task_queue.enqueue_on_commit("integrations.settle_client_changes")
    return change


def approve_change(change: ServiceClientChange, *, by: UUID, at: datetime) -> None:
    """:raises NotApprovable:"""
    if by == change.proposed_by or not is_waiting_for_operator(change, at=at):
        raise NotApprovable
    unapproved = ServiceClientChange.objects.filter(id=change.id, approved_by=None, settled_at=None)
    seal = _make_seal(change, str(by))
    if not unapproved.update(approved_by=by, approved_at=at, approval_seal=seal):
        raise NotApprovable
    change.approved_by, change.approved_at, change.approval_seal = by, at, seal
    task_queue.enqueue_on_commit("integrations.settle_client_changes")


def is_authentic(change: ServiceClientChange) -> bool:
    """Return whether the staff site wrote the proposal, and the approval if it has one."""
    seals = {_PROPOSAL: change.seal}
    if change.approved_by is not None:
        seals[str(change.approved_by)] = change.approval_seal
    try:
        return all(
            signed_values.read_signed_value(seal, purpose=_PURPOSE, bound_to=part)
            == _compute_digest(change)
            for part, seal in seals.items()
        )
    except InvalidSignedValue:
        return False


def is_waiting_for_operator(change: ServiceClientChange, *, at: datetime) -> bool:
    is_unapproved = change.approved_by is None and change.kind != ClientChangeKind.RETIRE
    is_open = change.settled_at is None and change.proposed_at + LASTS > at
    return is_unapproved and is_open and is_authentic(change)


def list_recent_changes(*, at: datetime) -> list[ServiceClientChange]:
    """Return the changes of the last days that the staff site wrote, the newest first."""
    recent = ServiceClientChange.objects.filter(proposed_at__gt=at - _LISTED)
    known = recent.exclude(refusal=ClientChangeRefusal.FORGED).select_related("client")
    return [change for change in known.order_by("-proposed_at") if is_authentic(change)]


def settle_changes(*, at: datetime) -> None:
    work = Q(settled_at=None) | Q(refusal="", notified_at=None)
    due = ServiceClientChange.objects.filter(work).order_by("proposed_at")
    for change_id in due.values_list("id", flat=True)[:_SETTLED_AT_ONCE]:
        _settle_change(change_id, at)
        _mail_operators(change_id, at)


def apply_change(
    change: ServiceClientChange, *, channel: OperatorChannel, at: datetime
) -> ServiceClient:
    """
    Apply a change in the caller's transaction, with a ledger entry and an alarm.

    :raises ChangeRefused, and as the functions of `service_clients`:
    """
    _check_operators(change, channel)
    client = _change_client(change, Operator(change.proposed_by, channel, change.approved_by), at)
    alarms.raise_alarm(
        kind="client.changed",
        about=client.id,
        window=str(change.id),
        body={"client": client.client_id, "change": str(change.kind)},
        at=at,
    )
    ServiceClientChange.objects.filter(id=change.id).update(settled_at=at, client=client)
    return client


def _settle_change(change_id: UUID, at: datetime) -> None:
    unsettled = ServiceClientChange.objects.filter(id=change_id, settled_at=None)
    with transaction.atomic(durable=True):
        change = unsettled.select_for_update(no_key=True).first()
        if change is None:
            return
        try:
            _check_row(change, at)
            if change.approved_by is None and change.kind != ClientChangeKind.RETIRE:
                return
            with transaction.atomic():
                apply_change(change, channel=OperatorChannel.PAGE, at=at)
        except ChangeRefused as problem:
            refusal = problem.refusal
        except _CHANGED:
            refusal = ClientChangeRefusal.CHANGED
        else:
            return
        unsettled.update(settled_at=at, refusal=refusal)


def _check_row(change: ServiceClientChange, at: datetime) -> None:
    """:raises ChangeRefused:"""
    if not is_authentic(change):
        alarms.raise_alarm(
            kind="client.change_forged",
            about=_EVERY_CHANGE,
            window=f"{at:%Y-%m-%d}",
            body={"change": str(change.id)},
            at=at,
        )
        raise ChangeRefused(ClientChangeRefusal.FORGED)
    if change.proposed_at + LASTS <= at:
        raise ChangeRefused(ClientChangeRefusal.EXPIRED)


def _check_operators(change: ServiceClientChange, channel: OperatorChannel) -> None:
    """:raises ChangeRefused: unless both are active operators; one suffices to retire"""
    needed = {change.proposed_by, change.approved_by or change.proposed_by}
    if change.kind != ClientChangeKind.RETIRE and len(needed) < 2:  # noqa: PLR2004 - two people
        raise ChangeRefused(ClientChangeRefusal.OPERATORS)
    people = User.objects.active().filter(id__in=needed)
    if channel is OperatorChannel.PAGE:
        # A command of the owner has no session, and runs before operators first sign in.
        factors = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
        people = people.filter(id__in=factors.values("user_id"))
    allowed = {
        person_id
        for person_id, role in people.values_list("id", "role")
        if RolePermission.MANAGE_CLIENTS in get_role_permissions(role=role, mfa=True)
    }
    if allowed != needed:
        raise ChangeRefused(ClientChangeRefusal.OPERATORS)


def _change_client(change: ServiceClientChange, by: Operator, at: datetime) -> ServiceClient:
    values = change.values
    client_id = change.client.client_id if change.client else ""
    match change.kind:
        case ClientChangeKind.REGISTER:
            return feature_clients.register_feature_client(
                feature=change.feature, **values, by=by, at=at
            )
        case ClientChangeKind.KEYS:
            return service_clients.replace_client_keys(client_id=client_id, **values, by=by, at=at)
        case ClientChangeKind.REDIRECTS:
            return service_clients.replace_client_redirects(
                client_id=client_id, **values, by=by, at=at
            )
        case _:
            return service_clients.retire_client(client_id=client_id, by=by, at=at)


def _mail_operators(change_id: UUID, at: datetime) -> None:
    """Mail every active operator about an applied change; the next sweep repeats it if it fails."""
    applied = ServiceClientChange.objects.exclude(settled_at=None).filter(
        id=change_id, refusal="", notified_at=None
    )
    try:
        with transaction.atomic(durable=True):
            change = (
                applied.select_for_update(no_key=True, of=("self",))
                .select_related("client")
                .first()
            )
            if change is None or not applied.update(notified_at=at):
                return
            # A login may have written the row as if it were applied.
            if is_authentic(change):
                operators = User.objects.active().filter(role=Role.OPERATOR).only("email")
                context = {"change": change, "client": change.client}
                account_mail.send_to_people(operators, "operations/email/client_change", context)
    except OSError:
        logger.exception(
            "mail.not_sent", extra={"kind": "client_change", "reason": "server_failed"}
        )


def _make_seal(change: ServiceClientChange, part: str) -> str:
    return signed_values.sign_value(_compute_digest(change), purpose=_PURPOSE, bound_to=part)


def _compute_digest(change: ServiceClientChange) -> str:
    # A worker notes the client that it registered.
    client_id = None if change.kind == ClientChangeKind.REGISTER else change.client_id
    content = [
        *(str(change.id), change.kind, change.feature, str(client_id), change.values),
        *(str(change.proposed_by), change.proposed_at.isoformat()),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
