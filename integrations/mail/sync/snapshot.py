"""
The whole mailbox within the horizon, newest first; it replaces what was there.

The change cursor is read before the listing begins, so that what arrives
meanwhile is seen twice and never missed. Every row carries the round that saw
it: a crash repeats a page and skips what is stamped, and a finished round sweeps
what it did not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from integrations.models import Message, SyncStage
from integrations.providers import errors
from integrations.providers.mail import ListPage, MessageRef

from . import fetch_planner, message_fetch, provider_ids, quarantine
from .session import Changes, Run
from .throttled_mailbox import Fetched

# Pages of up to 500 ids that are planned together. Wider saves units on threads
# that are spread in time; but a run that ends within a window lists it again.
WINDOW_PAGES = 5
SWEEP = 1_000


@dataclass(slots=True)
class Window:
    """Some pages of the listing, and how far their messages have arrived."""

    pages: list[ListPage]
    begins_at: str | None
    done: set[str] = field(default_factory=set)

    def refs(self) -> Iterator[MessageRef]:
        for page in self.pages:
            yield from page.refs

    @property
    def ends_at(self) -> str | None:
        """Where the next window begins; None after the last."""
        return self.pages[-1].next_page

    @property
    def reached(self) -> str | None:
        """The place before which everything is here: what a later run need not list again."""
        place = self.begins_at
        for page in self.pages:
            if page.next_page is None or any(r.message_id not in self.done for r in page.refs):
                break
            place = page.next_page
        return place


def begin(run: Run) -> None:
    """Store where the changes begin that follow this round, unless it is under way."""
    if run.work.cursor is not None:
        return
    mailbox = run.mailbox
    profile = mailbox.session.call(mailbox.adapter.profile, units=mailbox.units.profile)
    expected = profile.message_count if run.since is None else 0
    run.commit(
        Changes(values={"cursor": run.sealed("cursor", profile.cursor), "expected_count": expected})
    )


def advance(run: Run) -> bool:
    """Go on with the round until it is finished (then return True) or the time is over."""
    position = run.opened("position")
    is_opening = position is None and not run.work.done_count
    while not run.is_over:
        window = _listed(run, position, pages=1 if is_opening else WINDOW_PAGES)
        if not _bring(run, window, only_newest=is_opening):
            return False
        if is_opening:
            # The newest are readable: now take a wide view, which plans better.
            is_opening = False
            continue
        position = window.ends_at
        if position is None:
            return _finish(run)
        run.commit(Changes(values={"position": run.sealed("position", position)}))
    return False


def again(run: Run) -> None:
    """Begin a new round, because the provider no longer remembers the cursor."""
    run.commit(
        Changes(
            values={
                "stage": SyncStage.SNAPSHOT,
                "round": run.work.round + 1,
                "cursor": None,
                "position": None,
                "done_count": 0,
                "mime_count": 0,
                "expected_count": 0,
            }
        )
    )


def _listed(run: Run, position: str | None, *, pages: int) -> Window:
    window = Window([], position)
    page: str | None = position
    while len(window.pages) < pages:
        try:
            listed = _page(run, page)
        except errors.Unexpected:
            if position is None:
                raise
            # A place in a listing ages. What this round has seen is not fetched again.
            return _listed(run, None, pages=pages)
        window.pages.append(listed)
        page = listed.next_page
        if page is None:
            break
    return window


def _page(run: Run, page: str | None) -> ListPage:
    mailbox = run.mailbox
    return mailbox.session.call(
        lambda: mailbox.adapter.list_page(since=run.since, page=page),
        units=mailbox.units.list_page,
    )


def _bring(run: Run, window: Window, *, only_newest: bool) -> bool:
    refs = list(window.refs())
    ids = [ref.message_id for ref in refs]
    window.done |= provider_ids.seen(
        ids, owner=run.owner, sealer=run.sealer, seen_round=run.work.round
    )
    skipped = quarantine.known(run.owner.integration_id, ids, sealer=run.sealer)
    window.done |= skipped
    wanted = [ref for ref in refs if ref.message_id not in window.done]
    steps = fetch_planner.plan(wanted, run.mailbox.prices)
    if only_newest:
        steps = next(fetch_planner.chunks(steps, first=message_fetch.FIRST_CHUNK, later=1), [])
    expected = max(
        window.pages[-1].estimate, run.work.expected_count, run.work.done_count + len(wanted)
    )
    if window.ends_at is None:
        expected = run.work.done_count + len(wanted)

    def write(fetched: Fetched) -> None:
        batch = run.prepare(fetched.messages, unseen_in=run.work.round)
        window.done.update(one.message_id for one in fetched.messages)
        window.done.update(fetched.gone, fetched.rejected)
        values: dict[str, Any] = {
            "done_count": run.work.done_count + len(batch),
            "expected_count": expected,
        }
        if not only_newest:
            values["position"] = run.sealed("position", window.reached)
        run.commit(Changes(batch=batch, aside=fetched.rejected, values=values))

    return message_fetch.in_chunks(run, steps, write, first=message_fetch.FIRST_CHUNK)


def _finish(run: Run) -> bool:
    """Sweep what the round did not see, then follow the changes since it began."""
    unseen = Q(seen_round__lt=run.work.round)
    if run.since is not None:
        unseen |= Q(received_at__lt=run.since)
    rows = Message.objects.filter(unseen, integration_id=run.owner.integration_id)
    while ids := list(rows.order_by("id").values_list("id", flat=True)[:SWEEP]):
        run.commit(Changes(swept=ids))
    now = run.clock.now()
    run.commit(
        Changes(
            values={
                "stage": SyncStage.DELTA,
                "position": None,
                "expected_count": run.work.done_count,
                "first_synced_at": run.work.first_synced_at or now,
                "reconcile_at": now,
            }
        )
    )
    return True
