"""What changed since the cursor: added, filed elsewhere, deleted; and what is to be tried again."""

from __future__ import annotations

from integrations.providers.mail import ChangePage, MessageRef, Relabelled
from integrations.push import watch_health

from . import fetch_planner, label_changes, message_fetch, provider_ids, quarantine
from .session import Changes, Run
from .throttled_mailbox import Fetched, singles


def advance(run: Run) -> bool:
    """
    Follow the changes to their end (then return True), or until the time is over.

    :raises CursorExpired: if the provider no longer remembers the cursor
    """
    while not run.is_over:
        cursor = run.opened("cursor")
        if cursor is None:
            raise LookupError("a delta begins at a cursor")
        page = _page(run, cursor)
        if not _write(run, page, moved=page.cursor != cursor):
            return False
        if run.is_early or not page.more:
            return True
    return False


def _page(run: Run, cursor: str) -> ChangePage:
    mailbox = run.mailbox
    return mailbox.session.call(
        lambda: mailbox.adapter.changes(cursor), units=mailbox.units.changes
    )


def _write(run: Run, page: ChangePage, *, moved: bool) -> bool:
    has_news = bool(page.upserted or page.relabelled or page.deleted)
    run.found_news = run.found_news or has_news
    run.has_new_names = run.has_new_names or page.has_new_names
    if not has_news:
        if moved:
            _go_on(run, page)
        return True
    refiled = _only_refiled(run, page)
    already = {one.ref.message_id for one in refiled}
    ids = [ref.message_id for ref in page.upserted if ref.message_id not in already]
    skipped = quarantine.known(run.owner.integration_id, ids, sealer=run.sealer)
    wanted = [ref for ref in page.upserted if ref.message_id not in skipped | already]
    unread: list[str] = []
    if not bring(run, wanted, unread=unread):
        return False
    if unread and _is_told_lately(run):
        # From the same cursor, in a moment.
        run.is_early = True
        return True
    new_flags = None
    relabelled = [*page.relabelled, *refiled]
    if relabelled:
        new_flags = label_changes.prepare(relabelled, owner=run.owner, sealer=run.sealer)
    if moved or new_flags or page.deleted:
        values = {
            "cursor": run.sealed("cursor", page.cursor),
            "last_event_at": run.clock.now(),
        }
        # With the last of its rows: a crash repeats the page, and never skips it.
        run.commit(
            Changes(
                relabelling=new_flags, removed=page.deleted, settled=page.deleted, values=values
            )
        )
    return True


def _go_on(run: Run, page: ChangePage) -> None:
    """Store the cursor of a page without news, or leave that to the end of the turn."""
    if page.has_new_names:
        # The cursor may hold names that were not stored before.
        run.ask_to_store()
    sealed = run.sealed_cursor(page.cursor)
    if page.more:
        run.commit(Changes(values={"cursor": sealed}))
    else:
        # Written with the end of the turn.
        run.unsaved["cursor"] = run.work.cursor = sealed


def _only_refiled(run: Run, page: ChangePage) -> list[Relabelled]:
    """Return those of `upserted` that are here and may only be filed otherwise."""
    here = provider_ids.with_final_content(page.filings, owner=run.owner, sealer=run.sealer)
    return [
        Relabelled(ref, page.filings[ref.message_id])
        for ref in page.upserted
        if ref.message_id in here
    ]


def _is_told_lately(run: Run) -> bool:
    """
    Return whether the provider told of news so lately that they may not be there to be read yet.

    Longer ago, or where nobody told of it, what cannot be read is gone again.
    """
    told = watch_health.of_one(run.owner.integration_id, run.work.resource)
    return told is not None and told.is_fresh(run.clock.now())


def bring(run: Run, wanted: list[MessageRef], *, unread: list[str] | None = None) -> bool:
    """
    Fetch and write these messages, and none but these. Return False if time was over before.

    :param unread: is told the ids of those that the provider does not have
    """
    ids = {ref.message_id for ref in wanted}

    def write(fetched: Fetched) -> None:
        if unread is not None:
            unread.extend(ids.intersection(fetched.gone))
        batch = run.prepare([one for one in fetched.messages if one.message_id in ids])
        rejected = {one: why for one, why in fetched.rejected.items() if one in ids}
        run.commit(
            Changes(
                batch=batch,
                removed=fetched.gone,
                aside=rejected,
                values={"done_count": run.work.done_count + batch.new_count},
            )
        )

    steps = fetch_planner.plan(wanted, run.mailbox.prices)
    # A page is begun anew until its last row is here. With the quota for a part of it, the same
    # part would be fetched each time, and the rest never.
    run.mailbox.reserve(fetch_planner.cost(steps))
    return message_fetch.in_chunks(run, steps, write)


def try_again(run: Run) -> bool:
    """Fetch what was set aside and is due to be tried again. Return False if time was over."""
    mine, permit, at = run.owner.integration_id, run.permits.remote, run.clock.now()
    if not run.rows.is_any_due(at):
        return True
    asked_for = quarantine.wanted_again(mine, permit=permit, to=run.mailbox.adapter.access, at=at)
    delayed = quarantine.due_again(mine, permit=permit, to=run.mailbox.adapter.access, at=at)

    def write(fetched: Fetched) -> None:
        arrived = [one.message_id for one in fetched.messages]
        run.commit(
            Changes(
                batch=run.prepare(fetched.messages),
                removed=fetched.gone,
                aside=fetched.rejected,
                settled=[*arrived, *fetched.gone],
            )
        )

    # A worker may have died of a message that its owner asks for again.
    if not message_fetch.one_by_one(run, asked_for, write, were_aside=True):
        return False
    steps = singles(delayed, run.mailbox.prices)
    return message_fetch.in_chunks(run, steps, write, were_aside=True)
