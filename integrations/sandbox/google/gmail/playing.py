"""One admitted call of Gmail: whose mailbox, then the handler of the method."""

from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.admitted import Admitted
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.google.gmail.methods import HANDLERS
from integrations.sandbox.mail.rendering import Gallery
from integrations.sandbox.people import Person
from integrations.sandbox.world import World


def play(one: Admitted) -> Any:
    person, user_id = one.person, one.path.get("userId", "me")
    if user_id != "me" and user_id.lower() != person.email.lower():
        raise problems.delegation_denied(user_id)
    if person.mailbox is None:
        raise problems.failed_precondition()
    handler = HANDLERS.get(one.method.id)
    if handler is None:
        raise problems.not_implemented(one.method.id)
    return handler(
        Ask(
            world=one.world,
            call=one.call,
            method=one.method,
            path=one.path,
            person=person,
            box=person.mailbox,
            gallery=_gallery(one.world, person),
            scopes=frozenset(one.access.scopes),
        )
    )


def _gallery(world: World, person: Person) -> Gallery:
    """The person's renderings; made anew when a dial that shapes them has turned."""
    dials = world.dials
    gallery = world.galleries.get(person.sub)
    if gallery is None or gallery.payload_utf8 != dials.payload_utf8:
        assert person.mailbox is not None  # noqa: S101 - checked by the caller
        gallery = world.galleries[person.sub] = Gallery(person.mailbox)
        gallery.payload_utf8 = dials.payload_utf8
    gallery.limit = dials.cache_megabytes * 2**20
    gallery.changing_ids = dials.attachment_ids_change
    return gallery
