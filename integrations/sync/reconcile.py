"""
Is everything here? Our ids against the provider's listing, after the first sync and daily.

Mailboxes are compared whole up to a size, and above it in their newest part.
What is missing is fetched; what is too much is asked for and, if the provider
knows it no more, removed. The numbers are kept and
shown, so that a gap is seen by its owner and mends itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Min

from integrations import fences
from integrations.models import Message, Reconciliation, SyncWork
from integrations.providers.base import ListPage, MessageRef
from limited_use.sinks import provider as own_provider

from . import aside, claims, delta, mail
from .run import Changes, Run

EVERY = timedelta(days=1)
# Listed whole up to this many messages; above it, the newest so many.
WHOLE = 20_000
# Extra messages asked for one by one in a run.
VERIFIED = 200
SWEEP = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """Differences, and how many of them are mended."""

    our_count: int
    missing: int
    extra: int
    repaired: int


@dataclass(slots=True)
class Listing:
    """What the provider lists now. `is_whole`: nothing older is left out."""

    refs: dict[str, MessageRef] = field(default_factory=dict)
    is_whole: bool = True


def if_due(run: Run) -> bool:
    """Compare, if it is time. Return whether nothing is left to do now."""
    due_at = run.work.reconcile_at
    if due_at is None or due_at > run.clock.now():
        return True
    _sweep_aged(run)
    aside.retry(integration_id=run.owner.integration_id, at=due_at, only_passing=True)
    listing = _listed(run)
    missing, extra = _missing(run, listing), _extra(run, listing)
    ours = Message.objects.filter(integration_id=run.owner.integration_id).count()
    # A fetch settles either kind: it brings what is there, and removes what is gone.
    asked = _known_there(run, extra)
    finished = delta.bring(run, [*missing, *asked])
    repaired = _here(run, missing) + len(asked) - _here(run, asked)
    _record(run, listing, found=Found(ours, len(missing), len(asked), repaired))
    again = EVERY if finished else timedelta(0)
    run.commit(Changes(values={"reconcile_at": run.clock.now() + again}))
    return finished


def ask_for(*, integration_id: UUID, at: datetime) -> bool:
    """Let the next run compare. Return whether there is such work."""
    SyncWork.objects.filter(integration_id=integration_id).update(reconcile_at=at)
    return claims.mark_due(integration_id=integration_id, at=at)


def still_missing(integration_id: UUID) -> int:
    """Return how many messages the last comparison could not bring in."""
    last = (
        Reconciliation.objects.filter(integration_id=integration_id)
        .order_by("-compared_at")
        .first()
    )
    if last is None:
        return 0
    return max(0, last.missing_count + last.extra_count - last.repaired_count)


def _sweep_aged(run: Run) -> None:
    """Remove what has grown older than the horizon."""
    if run.since is None:
        return
    aged = Message.objects.filter(
        integration_id=run.owner.integration_id, received_at__lt=run.since
    )
    while ids := list(aged.order_by("id").values_list("id", flat=True)[:SWEEP]):
        run.commit(Changes(swept=ids))


def _listed(run: Run) -> Listing:
    listing = Listing()
    page: str | None = None
    while True:
        listed = _page(run, page)
        listing.refs |= {ref.message_id: ref for ref in listed.refs}
        page = listed.next_page
        if page is None:
            return listing
        if len(listing.refs) >= WHOLE:
            listing.is_whole = False
            return listing


def _page(run: Run, page: str | None) -> ListPage:
    adapter = run.mailbox.adapter
    return run.mailbox.call(
        run.mailbox.units.list_page, lambda: adapter.list_page(since=run.since, page=page)
    )


def _missing(run: Run, listing: Listing) -> list[MessageRef]:
    """Return what the provider lists and we lack, less what was set aside."""
    theirs = mail.blinds(run.sealer, listing.refs)
    here = Message.objects.filter(
        integration_id=run.owner.integration_id, remote_blind__in=list(theirs)
    ).values_list("remote_blind", flat=True)
    lacking = [theirs[blind] for blind in theirs.keys() - {bytes(blind) for blind in here}]
    wanted = set(lacking) - aside.known(run.owner.integration_id, lacking, sealer=run.sealer)
    return [ref for remote_id, ref in listing.refs.items() if remote_id in wanted]


def _extra(run: Run, listing: Listing) -> list[Message]:
    """Return what only we have, as far back as the listing goes."""
    theirs = mail.blinds(run.sealer, listing.refs)
    ours = Message.objects.filter(integration_id=run.owner.integration_id)
    if not listing.is_whole:
        oldest = ours.filter(remote_blind__in=list(theirs)[-1000:]).aggregate(
            at=Min("received_at")
        )["at"]
        ours = ours.filter(received_at__gt=oldest) if oldest else ours.none()
    found = ours.values_list("id", "remote_blind")
    ids = [row for row, blind in found if bytes(blind) not in theirs]
    return list(ours.filter(id__in=ids[:VERIFIED]).only("id", "integration_id", "summary"))


def _known_there(run: Run, rows: list[Message]) -> list[MessageRef]:
    """Return the provider's own ids of rows of ours, to ask it about them."""
    summaries = [row.summary for row in rows]
    return own_provider.picked(summaries, run.permits.remote, _names, at=run.clock.now())


def _names(summary: bytes) -> MessageRef:
    """Return what the provider calls a message; all else of its summary stays in the sink."""
    found = orjson.loads(summary)
    return MessageRef(found["provider_id"], found["provider_thread_id"])


def _here(run: Run, refs: list[MessageRef]) -> int:
    return Message.objects.filter(
        integration_id=run.owner.integration_id,
        remote_blind__in=list(mail.blinds(run.sealer, (ref.message_id for ref in refs))),
    ).count()


def _record(run: Run, listing: Listing, *, found: Found) -> None:
    with transaction.atomic(durable=True):
        fences.hold(integration_id=run.owner.integration_id, epoch=run.epoch)
        Reconciliation.objects.create(
            integration_id=run.owner.integration_id,
            compared_at=run.clock.now(),
            provider_count=len(listing.refs),
            our_count=found.our_count,
            missing_count=found.missing,
            extra_count=found.extra,
            repaired_count=found.repaired,
        )
