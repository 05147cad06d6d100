"""
Events written by their owner: at the provider that has the calendar, or here if it lives here.

Everything is checked before anybody is asked (`drafts`, `places`). The guard gives a permit for
each write. `there`: the provider is written to, and what came of it is looked at where that is not
certain (`sure`); then our rows are written under the fence, so that it is seen at once (`copying`).
`here`: an event is opened, remade and sealed within one sink, and written in one transaction.

A feature of the platform writes nothing: the policy refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from integrations.asking import Asked
from integrations.calendars.single import EventId
from integrations.calendars.visible import Visible
from integrations.event_shapes import EventContent, Response
from integrations.providers.calendars import Notify

from . import booking, drafts, here, places, targets, there
from .checking import BadDraft
from .drafts import Draft, Edit, Guest
from .errors import NotInvited, Stale, Taken
from .results import Scope, Written
from .targets import Which

__all__ = [
    "BadDraft",
    "Draft",
    "Edit",
    "Guest",
    "Scope",
    "Stale",
    "Written",
    "change",
    "create",
    "delete",
    "move",
    "respond",
]


def create(  # noqa: PLR0913 - one event in full
    asked: Asked,
    calendar_id: UUID,
    draft: Draft,
    *,
    key: str,
    notify: Notify = "none",
    require_free: Sequence[UUID] = (),
) -> Written:
    """
    Write a new event.

    :param key: what a repetition of the same names: it makes no second event (up to 200 characters)
    :param notify: whether guests are sent invitations
    :param require_free: people who have to be free then, as their calendars are at this moment
    :raises errors.Taken: if one of them is not, or nobody can tell; and no earlier try under the
        key wrote the event
    :raises BadDraft: if it cannot be an event
    :raises NotFound: if there is no such calendar for the actor
    :raises errors.ReadOnly: if it may only be read
    :raises errors.PermissionMissing: if the account did not allow writing
    :raises errors.KeyReused: if the key wrote another event before
    :raises errors.GuestsAreTold: if nobody was to be told, and the provider tells all the same
    :raises errors.RefusedThere: if the provider will not have it
    :raises limited_use.guard.Refused: if the policy does not allow it
    :raises integrations.providers.errors.OutcomeUnknown: if nobody can tell whether it is there:
        the same again is harmless
    :raises integrations.fences.NoLongerLive: if it was disconnected meanwhile
    """
    content = drafts.content(draft)
    seen = places.find(asked, calendar_id)
    if require_free:
        try:
            booking.check(asked, require_free, content)
        except Taken:
            # The event that takes the time may be the one that an earlier try wrote.
            created = _find_created(asked, seen, content, key)
            if created is None:
                raise
            return created
    if seen.calendar.is_local:
        return here.create(asked, seen, content, key=key)
    return there.create(asked, seen, content, key=key, notify=notify)


def _find_created(asked: Asked, seen: Visible, content: EventContent, key: str) -> Written | None:
    if seen.calendar.is_local:
        return here.find_created(asked, seen, content, key=key)
    return there.find_created(asked, seen, content, key=key)


def change(  # noqa: PLR0913 - one edit in full
    asked: Asked,
    name: EventId,
    edit: Edit,
    *,
    etag: str,
    scope: Scope = "this",
    notify: Notify = "none",
) -> Written:
    """
    Make an event, an occurrence, or a series from there on, be as `edit` says.

    What somebody else changed meanwhile stays, as long as it is not the same.

    :param name: as `single.event_id` reads it: an occurrence, or what it names as a whole
    :param etag: the version that they saw: that of the very event or occurrence
    :param scope: of an occurrence: it alone, all from it on, or the whole series
    :raises BadDraft: if that cannot be an event
    :raises NotFound: if there is no such event for the actor
    :raises Stale: if what is to be changed was changed meanwhile, or is gone; nothing is written
    :raises integrations.calendars.versions.NoVersion: if `etag` is none that was given
    :raises errors.NoSuchOccurrence: if the series has no such occurrence any more
    :raises errors.NotOrganizer: if only whoever organises it may change that
    :raises errors.HalfDone: if the same has to be asked for again
    :raises: what `create` raises, but for KeyReused
    """
    which = Which(asked, name)
    row, seen = targets.find(which)
    if seen.calendar.is_local:
        return here.change(which, seen, edit, etag=etag, scope=scope)
    target = targets.there(which, row, seen)
    return there.change(which, target, edit, etag=etag, scope=scope, notify=notify)


def delete(
    asked: Asked, name: EventId, *, etag: str, scope: Scope = "this", notify: Notify = "none"
) -> None:
    """
    Delete an event, cancel an occurrence, or end a series there; what is gone is no error.

    :raises Stale: if it is not what they saw
    :raises: what `change` raises
    """
    which = Which(asked, name)
    row, seen = targets.find(which)
    if seen.calendar.is_local:
        return here.delete(which, seen, etag=etag, scope=scope)
    target = targets.there(which, row, seen)
    return there.delete(which, target, etag=etag, scope=scope, notify=notify)


def move(asked: Asked, name: EventId, *, etag: str, to: UUID, notify: Notify = "none") -> Written:
    """
    Move an event or a whole series to another calendar of the same account, or among those here.

    :param etag: the version that they saw
    :raises BadDraft: if it cannot go there
    :raises Stale: if it is not what they saw
    :raises: what `change` raises
    """
    which = Which(asked, name)
    row, seen = targets.find(which)
    other = places.find(asked, to)
    if other.calendar.id == seen.calendar.id:
        raise BadDraft({"calendar_id": "It is in that calendar already."})
    if other.calendar.integration_id != seen.calendar.integration_id:
        raise BadDraft({"calendar_id": "Only to another calendar of the same account."})
    if seen.calendar.is_local:
        return here.move(which, seen, other, etag=etag)
    return there.move(which, targets.there(which, row, seen), other, etag=etag, notify=notify)


def respond(  # noqa: PLR0913 - one answer in full
    asked: Asked,
    name: EventId,
    response: Response,
    *,
    etag: str,
    scope: Scope = "this",
    notify: Notify = "none",
) -> Written:
    """
    Answer an invitation: to one occurrence, or with `all` to the series.

    :param etag: the version of what they are invited to, as they saw it
    :raises errors.NotInvited: if nobody invited them
    :raises Stale: if they are invited to something else by now
    :raises: what `change` raises
    """
    which = Which(asked, name)
    row, seen = targets.find(which)
    if seen.calendar.is_local:
        # A file may name guests, and invites nobody.
        raise NotInvited
    target = targets.there(which, row, seen)
    return there.respond(which, target, response, etag=etag, scope=scope, notify=notify)
