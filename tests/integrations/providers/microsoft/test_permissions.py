"""Graph's permissions: those that are asked for, compared with the requests that are sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from integrations.formats.event_content import Attendee, EventContent, When
from integrations.providers import errors
from integrations.providers.calendars import CalendarAdapter
from integrations.providers.microsoft import microsoft_config
from integrations.providers.push import PushSubscriptions
from integrations.review.evidence.method_scopes import MICROSOFT_METHODS
from tests.contract import subscription_worlds
from tests.contract.calendar_worlds import ALICE, BOB, CALENDARS_ALONE, GraphWorld

pytestmark = pytest.mark.invariant(11)

TEN = datetime(2026, 11, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = (TEN - timedelta(days=30), TEN + timedelta(days=60))
EACH_CAPABILITY = pytest.mark.parametrize(
    "capability",
    microsoft_config.MICROSOFT.capabilities.values(),
    ids=lambda capability: capability.key,
)
#: Each lets a request through and shows no body.
BLIND = {"Mail.ReadBasic", "Calendars.ReadBasic"}


class TestPermissions:
    def test_are_documented_for_every_request_and_no_other(self):
        capabilities = microsoft_config.MICROSOFT.capabilities.values()

        assert MICROSOFT_METHODS.keys() == {
            request for capability in capabilities for request in capability.methods
        }

    @EACH_CAPABILITY
    def test_let_every_request_through(self, capability):
        for permission in capability.permissions:
            assert permission.methods
            for request in permission.methods:
                assert permission.scope in MICROSOFT_METHODS[request].scopes, request

    @EACH_CAPABILITY
    def test_are_each_the_least_for_some_request(self, capability):
        for permission in capability.permissions:
            least = {
                next(one for one in MICROSOFT_METHODS[request].scopes if one not in BLIND)
                for request in permission.methods
            }
            assert permission.scope in least

    @EACH_CAPABILITY
    def test_are_none_that_the_others_replace(self, capability):
        for scope in capability.scopes:
            rest = capability.scopes - {scope}
            assert any(
                rest.isdisjoint(MICROSOFT_METHODS[request].scopes) for request in capability.methods
            ), scope


def requests_of(sandbox) -> set[str]:
    """Return the requests that Graph was sent, with every id left out."""
    return {
        f"{request['method']} {without_ids(request['path'])}"
        for request in sandbox.requests("/v1.0")
    }


def without_ids(path: str) -> str:
    return re.sub(
        r"/(calendars|events|mailFolders|messages|subscriptions)/(?!delta)[^/]+",
        r"/\1/{id}",
        path.removeprefix("/v1.0"),
    )


def content(title: str = "Review", **more) -> EventContent:
    start, end = (When(at=at, zone="Europe/Berlin") for at in (TEN, TEN + HOUR))
    return EventContent(title=title, start=start, end=end, **more)


def methods_of(protocol) -> set[str]:
    """Return the methods of a protocol; `access` is a property and sends nothing."""
    return {name for name in vars(protocol) if not name.startswith("_")} - {"access"}


@pytest.fixture
def world(sandbox):
    made = GraphWorld(sandbox)
    yield made
    made.check()


class TestRequestsOfCalendars:
    """What the sandbox is sent while every method of the calendar adapter is called."""

    def read(self, world) -> set[str]:
        world.put(content(recurrence=("RRULE:FREQ=WEEKLY;COUNT=4",)))
        # A new one: the first has read already whose mailbox it is.
        adapter = world.opened(f"{CALENDARS_ALONE} MailboxSettings.Read")
        world.sandbox.clear_journal()
        adapter.list_calendars()
        page = adapter.list_events(world.primary, window=WINDOW)
        while page.next_page:
            page = adapter.list_events(world.primary, page=page.next_page)
        adapter.list_events(world.primary, cursor=page.cursor)
        return {"list_calendars", "list_events"}

    def write(self, world) -> set[str]:
        adapter, mine = world.adapter, world.primary
        other = world.add_calendar("Other")
        series = world.put(content(recurrence=("RRULE:FREQ=WEEKLY;COUNT=4",)))
        world.sandbox.clear_journal()
        made = adapter.create_event(mine, content(), event_id="0123456789abcdef", notify="none")
        adapter.get_event(mine, "0123456789abcdef")
        edit = content("Retro", description="Notes")
        changed = adapter.update_event(
            mine, made.event_id, edit, etag=made.etag, notify="none", before=content()
        )
        moved = adapter.move_event(
            mine, made.event_id, target_calendar_id=other, etag=changed.etag, notify="none"
        )
        assert adapter.find_moved_event(other, made.event_id).event_id == moved.event_id
        adapter.delete_event(other, moved.event_id, etag="*", notify="none")
        adapter.get_instance_id(series, When(at=TEN + timedelta(weeks=1), zone="UTC"))
        adapter.list_exceptions(mine, adapter.get_event(mine, series).ical_uid)
        changed = {
            "create_event",
            "get_event",
            "update_event",
            "move_event",
            "find_moved_event",
            "delete_event",
        }
        return changed | {"get_instance_id", "list_exceptions"}

    def answer(self, world) -> set[str]:
        guests = (Attendee(BOB), Attendee(ALICE, is_self=True))
        for response in ("accepted", "tentative", "declined"):
            invitation = world.put(content(response, attendees=guests), organizer=BOB)
            world.adapter.respond_to_invitation(
                world.primary, invitation, response, etag="*", notify="none"
            )
        return {"respond_to_invitation"}

    def test_are_those_that_are_declared(self, world):
        tried = self.read(world)
        reading = requests_of(world.sandbox)
        tried |= self.write(world)
        writing = requests_of(world.sandbox)
        tried |= self.answer(world)
        writing |= requests_of(world.sandbox)

        assert tried == methods_of(CalendarAdapter)
        declared = {
            one for one in microsoft_config.CALENDAR_READ.methods if "subscriptions" not in one
        }
        assert reading == declared
        assert writing == microsoft_config.CALENDAR_WRITE.methods

    def test_take_no_less_than_these_permissions(self, world):
        no_settings = world.opened("openid Calendars.ReadWrite")
        no_writing = world.opened("openid Calendars.Read MailboxSettings.Read")
        no_calendars = world.opened("openid MailboxSettings.Read")

        # The time zone of the mailbox is that of its calendars.
        with pytest.raises(errors.ScopeMissing):
            no_settings.list_calendars()
        assert no_writing.list_calendars().calendars
        with pytest.raises(errors.ScopeMissing):
            no_writing.create_event(
                world.primary, content(), event_id="0123456789abcdef", notify="none"
            )
        with pytest.raises(errors.ScopeMissing):
            no_calendars.list_calendars()


def test_requests_of_subscriptions_are_those_that_are_declared(sandbox):
    with subscription_worlds.answer_validation() as address:
        world = subscription_worlds.GraphWorld(sandbox, address)
        sandbox.clear_journal()
        hook = subscription_worlds.hook
        made = world.adapter.subscribe_to_mailbox(hook("mail", address))
        world.adapter.renew_subscription(made.resource_id, ends_at=made.ends_at)
        world.adapter.subscribe_to_calendar(world.calendar_id, hook("one", address))
        # There is one already: it is looked for, and stopped.
        second = world.adapter.subscribe_to_calendar(world.calendar_id, hook("two", address))
        world.adapter.stop_subscription(second.resource_id)

    assert methods_of(PushSubscriptions) == {
        "subscribe_to_mailbox",
        "subscribe_to_calendar",
        "renew_subscription",
        "stop_subscription",
    }
    for capability in (microsoft_config.MAIL_READ, microsoft_config.CALENDAR_READ):
        declared = {one for one in capability.methods if "subscriptions" in one}
        assert requests_of(sandbox) == declared
