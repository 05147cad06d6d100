"""
Permits for files that go into the owner's Drive.

As in `permits`, an unknown or foreign object has no facts: it is refused and recorded. Every
function raises `guard.AccessRefused`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import SYSTEM, Actor, ActorKind
from accounts.models import Membership
from integrations.models import (
    OPEN_FILE_STATES,
    Calendar,
    DriveFile,
    DriveFileState,
    FileSourceKind,
    Integration,
)
from limited_use.access_request import AccessRequest, Fence, Permit
from limited_use.agreements import consents
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use

from . import facts
from .facts import DRIVE_CONSENT, HolderFacts
from .permits import Permits
from .request_context import get_owner_ids

DRIVE: Final = DRIVE_CONSENT.feature_key
_EXPORT_FEATURE: Final = "file-list-export"
_EXPORT_USE: Final = Use(DataClass.FILE_CONTENT, Purpose.USER_EXPORT, Recipient.OWNER)
_SAVED_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
_SAVED_CALENDAR: Final = (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)


def to_upload_own_file(*, actor: Actor, integration_id: UUID, at: datetime) -> Permit:
    """The person puts a file into their Drive: opens its session, and passes its bytes on."""
    return _get_own_permit(Recipient.OWN_PROVIDER, actor, integration_id, at)


def to_store_entry(*, actor: Actor, integration_id: UUID, at: datetime) -> Permit:
    """The person adds to the list of their uploads, or changes it. The permit opens nothing."""
    return _get_own_permit(Recipient.VAULT, actor, integration_id, at)


def to_list_files(*, actor: Actor, integration_ids: Sequence[UUID], at: datetime) -> Permits:
    """The person, or a feature for its own proposals, reads the list of uploads."""
    recipient = Recipient.PLATFORM_FEATURE if actor.kind == ActorKind.CLIENT else Recipient.OWNER
    facts_by_id = facts.for_integrations(integration_ids, actor=actor, at=at, consent=DRIVE_CONSENT)
    requests = [
        _build_request(recipient, integration_id, facts_by_id[integration_id], actor=actor)
        for integration_id in integration_ids
    ]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }


def to_export_list(
    *, actor: Actor, integration_ids: Sequence[UUID], count: int, at: datetime
) -> Permits:
    """
    The person gets the list of uploads as a file.

    :param count: files in this part
    """
    facts_by_id = facts.for_integrations(integration_ids, actor=actor, at=at)
    requests = [
        replace(
            _build_request(
                Recipient.OWNER,
                integration_id,
                # Owners get their list without any consent.
                facts_by_id[integration_id].keep_membership_fences(),
                actor=actor,
            ),
            use=_EXPORT_USE,
            feature=_EXPORT_FEATURE,
            count=count,
        )
        for integration_id in integration_ids
    ]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }


def to_upload_ordered_file(*, file: DriveFile, at: datetime, actor: Actor = SYSTEM) -> Permit:
    """
    Pass on the bytes of a file that the owner chose or accepted, while the owner is a member of
    the organisation.

    :param actor: a feature sends the bytes of its own accepted proposal, while it is on
    """
    holder_facts = _find_facts(file.integration_id, actor, at)
    is_own_file = actor.delegation_id == file.delegation_id
    is_on = is_own_file and Fact.DELEGATION_LIVE in holder_facts.facts
    if actor.kind != ActorKind.CLIENT or is_on:
        holder_facts = _add_facts(holder_facts, _find_order_facts(file, at))
    request = _build_request(Recipient.OWN_PROVIDER, file.integration_id, holder_facts, actor=actor)
    return guard.permit(request, at=at)


def to_end_session(*, file: DriveFile, at: datetime) -> Permit:
    """End the upload session of a file that the owner cancelled: an order of the owner, too."""
    holder_facts = _find_facts(file.integration_id, SYSTEM, at)
    cancelled = DriveFile.objects.filter(id=file.id, state=DriveFileState.CANCELLED)
    if cancelled.exists():
        holder_facts = _add_facts(holder_facts, [Fact.UPLOAD_ORDERED])
    request = _build_request(
        Recipient.OWN_PROVIDER, file.integration_id, holder_facts, actor=SYSTEM
    )
    return guard.permit(request, at=at)


def to_save_under_consent(
    *, actor: Actor, integration_id: UUID, fence: Fence | None, at: datetime
) -> Permit:
    """
    A feature saves a file without asking.

    :param fence: of the live standing consent that covers the file; None: there is none
    """
    holder_facts = _find_facts(integration_id, actor, at)
    if fence is not None:
        holder_facts = _add_facts(holder_facts, [Fact.STANDING_CONSENT_COVERS], fences=(fence,))
    request = _build_request(Recipient.OWN_PROVIDER, integration_id, holder_facts, actor=actor)
    return guard.permit(request, at=at)


def to_propose_file(*, actor: Actor, integration_id: UUID, at: datetime) -> Permit:
    """A feature proposes a file. The permit opens nothing of the owner's."""
    holder_facts = _find_facts(integration_id, actor, at)
    request = _build_request(Recipient.PLATFORM_FEATURE, integration_id, holder_facts, actor=actor)
    return guard.permit(request, at=at)


def refuse_decision_of_feature(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a client that decides about a file, as its owner does.

    :raises guard.AccessRefused: always
    """
    to_store_entry(actor=actor, integration_id=_get_drive_id(actor), at=at)
    # The guard drops a client's ownership. If it did not, the error would stop the request.
    raise RuntimeError("a feature was permitted to decide")


def refuse_other_purpose(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a client with a token for another purpose than files.

    An empty list or an unknown id opens nothing, so no later refusal would keep the client from
    learning which files exist.
    """
    if actor.kind != ActorKind.CLIENT or actor.purpose == Purpose.DRIVE_UPLOAD:
        return
    to_propose_file(actor=actor, integration_id=_get_drive_id(actor), at=at)
    # The guard compares the same purposes. If it did not, the error would stop the request.
    raise RuntimeError("another purpose was permitted")


def _get_drive_id(actor: Actor) -> UUID:
    """Return the subject of a refusal: without a Drive, the client's delegation."""
    user_id, organisation_id = get_owner_ids(actor)
    drives = Integration.objects.live().owned_by(user_id, organisation_id).filter(product="drive")
    drive_id: UUID | None = drives.order_by("id").values_list("id", flat=True).first()
    return drive_id or actor.delegation_id or actor.id


def to_save_mail(*, file: DriveFile, source_id: UUID, count: int, at: datetime) -> Permits:
    """
    Pass an attachment, or a part of a mail export, on to the Drive of the file's integration.

    :param source_id: the mailbox's integration
    :param count: messages in this part
    """
    return _get_source_permits(file, source_id, _SAVED_MAIL, holder=source_id, count=count, at=at)


def to_save_calendar(*, file: DriveFile, calendar: Calendar, count: int, at: datetime) -> Permits:
    """
    Pass rows of an Antares calendar on to the Drive of the file's integration.

    :param count: events
    """
    return _get_source_permits(
        file,
        calendar.integration_id,
        _SAVED_CALENDAR,
        holder=calendar.cache_id,
        count=count,
        at=at,
    )


def _get_source_permits(  # noqa: PLR0913 - a file, and the data that goes into it
    file: DriveFile,
    source_id: UUID,
    data_classes: Iterable[DataClass],
    *,
    holder: UUID,
    count: int,
    at: datetime,
) -> Permits:
    """
    The permits name the Drive's account as the only one that may receive the data.

    :param holder: of the data's key; the ledger entry is about the integration
    """
    target_facts = _find_facts(file.integration_id, SYSTEM, at)
    source_facts = _find_facts(source_id, SYSTEM, at)
    is_same_account = (
        source_facts.connection_id is not None
        and source_facts.connection_id == target_facts.connection_id
    )
    # A Drive that is not live receives nothing, from no source.
    true_facts = source_facts.facts & target_facts.facts
    source_facts = replace(source_facts, facts=true_facts)
    # The order is for data of the same owner, from the source that the owner chose.
    is_ordered_source = (
        file.source_integration_id == source_id
        and source_facts.owner_id == target_facts.owner_id == file.user_id
    )
    order_facts = _find_order_facts(file, at) if is_ordered_source else set()
    source_facts = _add_facts(source_facts, order_facts, fences=target_facts.fences)
    requests = [
        AccessRequest(
            use=Use(
                data_class,
                Purpose.DRIVE_UPLOAD,
                Recipient.OWN_PROVIDER if is_same_account else Recipient.OTHER_OWN_ACCOUNT,
            ),
            holder=holder,
            about=source_id,
            epoch=source_facts.epoch,
            actor=SYSTEM,
            on_behalf_of=source_facts.owner_id,
            facts=source_facts.facts,
            fences=source_facts.fences,
            feature=DRIVE,
            count=count,
            account=target_facts.connection_id,
            names=source_facts.names,
        )
        for data_class in data_classes
    ]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }


def _find_order_facts(file: DriveFile, at: datetime) -> set[Fact]:
    """Read the row again: the owner may have stopped the upload, or withdrawn its consent."""
    ordered = DriveFile.objects.filter(
        id=file.id, integration_id=file.integration_id, state__in=OPEN_FILE_STATES
    )
    crossing_times = list(ordered.values_list("crossing_at", flat=True))
    members = Membership.objects.live().filter(
        user_id=file.user_id, organisation_id=file.organisation_id
    )
    if not crossing_times or not members.exists() or _has_ended_consent(file, at):
        return set()
    order_facts = {Fact.UPLOAD_ORDERED}
    # Only an owner's own choice of one file may cross accounts, and never a copy of a mailbox.
    is_own_choice = not file.proposed_by and file.source != FileSourceKind.MAIL_EXPORT
    if crossing_times[0] is not None and is_own_choice:
        order_facts.add(Fact.CROSSING_ORDERED)
    return order_facts


def _has_ended_consent(file: DriveFile, at: datetime) -> bool:
    """Return whether a standing consent would have to cover further bytes, and does not."""
    if file.standing_consent_id is None or file.state == DriveFileState.CHECKING:
        return False
    agreement = consents.find_item_consent(
        owner_id=file.user_id,
        organisation_id=file.organisation_id,
        feature=file.proposed_by,
        item=file.standing_consent_id,
        at=at,
    )
    return agreement is None


def _get_own_permit(
    recipient: Recipient, actor: Actor, integration_id: UUID, at: datetime
) -> Permit:
    holder_facts = _find_facts(integration_id, actor, at)
    return guard.permit(_build_request(recipient, integration_id, holder_facts, actor=actor), at=at)


def _find_facts(integration_id: UUID, actor: Actor, at: datetime) -> HolderFacts:
    return facts.for_integrations([integration_id], actor=actor, at=at, consent=DRIVE_CONSENT)[
        integration_id
    ]


def _add_facts(
    holder_facts: HolderFacts, added: Iterable[Fact], *, fences: tuple[Fence, ...] = ()
) -> HolderFacts:
    return replace(
        holder_facts,
        facts=holder_facts.facts | frozenset(added),
        fences=(*holder_facts.fences, *fences),
    )


def _build_request(
    recipient: Recipient, integration_id: UUID, holder_facts: HolderFacts, *, actor: Actor
) -> AccessRequest:
    return AccessRequest(
        use=Use(DataClass.FILE_CONTENT, Purpose.DRIVE_UPLOAD, recipient),
        holder=integration_id,
        epoch=holder_facts.epoch,
        actor=actor,
        on_behalf_of=holder_facts.owner_id if actor is SYSTEM else actor.user_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        feature=actor.feature or DRIVE,
        count=1,
        account=holder_facts.connection_id,
        names=holder_facts.names,
    )
