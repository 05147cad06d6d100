"""
Is everything here? Our ids against the provider's listing, after the first sync and daily.

Mailboxes are compared whole up to a size, and above it in their newest part and at places of the
older one that are drawn anew each time. What is missing is fetched; what is too much is asked for
and, if the provider knows it no more, removed. The numbers are kept and shown, so that a gap is
seen by its owner and mends itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Min, QuerySet

from integrations.access import fences
from integrations.models import Message, Reconciliation, SyncWork
from integrations.providers.mail import ListPage, MessageRef
from integrations.sync import work_leases
from limited_use.sinks import provider as own_provider

from . import mail_delta, provider_ids, quarantine
from .session import Changes, Run

EVERY = timedelta(days=1)
# Listed whole up to this many messages; above it, the newest so many,
WHOLE = 20_000
# and of as many equal parts of the time before them a page each.
SAMPLES = 4
# Extra messages asked for one by one in a run.
VERIFIED = 200
SWEEP = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """How many there are of what was compared, differences, and how many of them are mended."""

    provider_count: int
    our_count: int
    missing: int
    extra: int
    repaired: int


@dataclass(slots=True)
class Listing:
    """
    What the provider lists now of a stretch of time; None is without a bound.

    :param is_whole: nothing of it is left out; else what is older than the last of `refs`
    :param blinds: the ids of `refs` by their blind, once somebody asked for them
    """

    since: datetime | None = None
    until: datetime | None = None
    refs: dict[str, MessageRef] = field(default_factory=dict)
    is_whole: bool = True
    blinds: dict[bytes, str] | None = None


def if_due(run: Run) -> bool:
    """Compare, if it is time. Return whether nothing is left to do now."""
    due_at = run.work.reconcile_at
    if due_at is None or due_at > run.clock.now():
        return True
    _sweep_aged(run)
    quarantine.retry_passing(integration_id=run.owner.integration_id, at=due_at)
    listings = list(_listings(run))
    missing = [ref for listing in listings for ref in _missing(run, listing)]
    extra = [row_id for listing in listings for row_id in _extra(run, listing)]
    theirs = [ref for listing in listings for ref in listing.refs.values()]
    ours = _here(run, theirs) + len(extra)
    # A fetch settles either kind: it brings what is there, and removes what is gone.
    asked = _known_there(run, extra[:VERIFIED])
    finished = mail_delta.bring(run, [*missing, *asked])
    repaired = _here(run, missing) + len(asked) - _here(run, asked)
    _record(run, Found(len(theirs), ours, len(missing), len(asked), repaired))
    again = EVERY if finished else timedelta(0)
    run.commit(Changes(values={"reconcile_at": run.clock.now() + again}))
    return finished


def ask_for(*, integration_id: UUID, at: datetime) -> bool:
    """Let the next run compare. Return whether there is such work."""
    SyncWork.objects.filter(integration_id=integration_id).update(reconcile_at=at)
    return work_leases.mark_due(integration_id=integration_id, at=at)


def _sweep_aged(run: Run) -> None:
    """Remove what has grown older than the horizon."""
    if run.since is None:
        return
    aged = Message.objects.filter(
        integration_id=run.owner.integration_id, received_at__lt=run.since
    )
    while ids := list(aged.order_by("id").values_list("id", flat=True)[:SWEEP]):
        run.commit(Changes(swept=ids))


def _listings(run: Run) -> Iterator[Listing]:
    newest = _newest(run)
    yield newest
    if not newest.is_whole and (until := _oldest(run, newest)) is not None:
        yield from _samples(run, until)


def _newest(run: Run) -> Listing:
    listing = Listing()
    page: str | None = None
    while True:
        listed = _page(run, since=run.since, page=page)
        listing.refs |= {ref.message_id: ref for ref in listed.refs}
        page = listed.next_page
        if page is None:
            return listing
        if len(listing.refs) >= WHOLE:
            listing.is_whole = False
            return listing


def _samples(run: Run, until: datetime) -> Iterator[Listing]:
    """Yield a page of each part of the time before `until`, from a moment in it that is drawn."""
    since = run.since or _all_ours(run).aggregate(at=Min("received_at"))["at"]
    if since is None:
        return
    # Providers count in seconds.
    since, until = since.replace(microsecond=0), until.replace(microsecond=0)
    part = int((until - since).total_seconds()) // SAMPLES
    for number in range(SAMPLES if part else 0):
        begin = since + timedelta(seconds=part * number)
        end = begin + timedelta(seconds=1 + secrets.randbelow(part))
        listed = _page(run, since=begin, until=end)
        refs = {ref.message_id: ref for ref in listed.refs}
        yield Listing(begin, end, refs, is_whole=listed.next_page is None)


def _page(
    run: Run,
    *,
    since: datetime | None,
    until: datetime | None = None,
    page: str | None = None,
) -> ListPage:
    mailbox = run.mailbox
    return mailbox.session.call(
        lambda: mailbox.adapter.list_page(since=since, until=until, page=page),
        units=mailbox.units.list_page,
    )


def _missing(run: Run, listing: Listing) -> list[MessageRef]:
    """Return what the provider lists and we lack, less what was set aside."""
    theirs = _blinds(run, listing)
    here = (
        _all_ours(run)
        .filter(remote_blind__any_of=list(theirs))
        .values_list("remote_blind", flat=True)
    )
    lacking = [theirs[blind] for blind in theirs.keys() - {bytes(blind) for blind in here}]
    wanted = set(lacking) - quarantine.known(run.owner.integration_id, lacking, sealer=run.sealer)
    return [ref for remote_id, ref in listing.refs.items() if remote_id in wanted]


def _blinds(run: Run, listing: Listing) -> dict[bytes, str]:
    """Return the provider's ids of a whole listing by their blind, made once."""
    if listing.blinds is None:
        listing.blinds = provider_ids.blinds(run.sealer, listing.refs)
    return listing.blinds


def _all_ours(run: Run) -> QuerySet[Message]:
    return Message.objects.filter(integration_id=run.owner.integration_id)


def _ours(run: Run, listing: Listing) -> QuerySet[Message]:
    """Return what we have of the time that a listing goes over."""
    ours = _all_ours(run)
    if listing.until is not None:
        ours = ours.filter(received_at__lt=listing.until)
    if not listing.is_whole:
        oldest = _oldest(run, listing)
        return ours.filter(received_at__gt=oldest) if oldest else ours.none()
    return ours if listing.since is None else ours.filter(received_at__gte=listing.since)


def _oldest(run: Run, listing: Listing) -> datetime | None:
    """Return when the last that is listed was received, as far as we have those; else None."""
    last = list(_blinds(run, listing))[-1000:]
    oldest = _all_ours(run).filter(remote_blind__any_of=last).aggregate(at=Min("received_at"))
    found: datetime | None = oldest["at"]
    return found


def _extra(run: Run, listing: Listing) -> list[UUID]:
    """Return which rows only we have, as far back as the listing goes."""
    theirs = _blinds(run, listing)
    found = _ours(run, listing).values_list("id", "remote_blind")
    return [row_id for row_id, blind in found if bytes(blind) not in theirs]


def _known_there(run: Run, row_ids: list[UUID]) -> list[MessageRef]:
    """Return the provider's own ids of rows of ours, to ask it about them."""
    rows = _all_ours(run).filter(id__in=row_ids).only("id", "integration_id", "summary")
    summaries = [row.summary for row in rows]
    return own_provider.picked(
        summaries,
        run.permits.remote,
        _names,
        to=run.mailbox.adapter.access,
        at=run.clock.now(),
    )


def _names(summary: bytes) -> MessageRef:
    """Return what the provider calls a message; all else of its summary stays in the sink."""
    found = orjson.loads(summary)
    return MessageRef(found["provider_id"], found["provider_thread_id"])


def _here(run: Run, refs: list[MessageRef]) -> int:
    blinds = provider_ids.blinds(run.sealer, (ref.message_id for ref in refs))
    return _all_ours(run).filter(remote_blind__any_of=list(blinds)).count()


def _record(run: Run, found: Found) -> None:
    with transaction.atomic(durable=True):
        fences.hold(integration_id=run.owner.integration_id, epoch=run.epoch)
        Reconciliation.objects.create(
            integration_id=run.owner.integration_id,
            compared_at=run.clock.now(),
            provider_count=found.provider_count,
            our_count=found.our_count,
            missing_count=found.missing,
            extra_count=found.extra,
            repaired_count=found.repaired,
        )
