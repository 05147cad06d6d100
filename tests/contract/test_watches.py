"""What every `MailWatch` and `CalendarWatch` promises, whatever stands behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.providers import errors
from tests.contract.watch_worlds import ALICE, TOPIC, FakeWatchWorld, GoogleWatchWorld, hook

DAY = timedelta(days=1)


@pytest.fixture(params=["fake", "google"])
def world(request):
    if request.param == "fake":
        made = FakeWatchWorld()
    else:
        made = GoogleWatchWorld(request.getfixturevalue("sandbox"))
    yield made
    made.check()


@pytest.fixture
def google(request):
    made = GoogleWatchWorld(request.getfixturevalue("sandbox"))
    yield made
    made.check()


class TestMail:
    def test_is_of_the_address_that_notifications_name(self, world):
        assert world.mail.get_address() == ALICE

    def test_is_watched_for_a_while(self, world):
        ends_at = world.mail.start_watch(TOPIC)

        assert world.topic == TOPIC
        assert DAY < ends_at - datetime.now(UTC) <= 7 * DAY + timedelta(seconds=1)

    @pytest.mark.scenario("P3")
    def test_is_watched_on_when_asked_again(self, world):
        first = world.mail.start_watch(TOPIC)

        assert world.mail.start_watch(TOPIC) >= first
        assert world.topic == TOPIC

    def test_is_no_longer_watched_once_stopped_however_often(self, world):
        world.mail.start_watch(TOPIC)

        world.mail.stop_watch()
        world.mail.stop_watch()

        assert world.topic == ""

    def test_is_not_watched_through_a_topic_that_the_provider_may_not_use(self, world):
        with pytest.raises(errors.InvalidClient) as caught:
            world.mail.start_watch(world.refuse_topic())

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    def test_says_that_its_token_or_permission_is_no_good(self, world):
        world.expire_token()
        with pytest.raises(errors.TokenRejected):
            world.mail.start_watch(TOPIC)
        with pytest.raises(errors.ScopeMissing):
            world.without_scope().start_watch(TOPIC)

    def test_takes_the_place_of_a_watch_through_another_topic(self, google):
        google.mail.start_watch(TOPIC)

        google.mail.start_watch(f"{TOPIC}-new")

        assert google.topic == f"{TOPIC}-new"
        assert google.sandbox.calls("gmail.users.stop") == 1


class TestAChannel:
    def test_is_open_for_as_long_as_was_asked(self, world):
        opened = world.calendars.watch_calendar(world.calendar_id, hook("one", lasts=2 * DAY))

        assert world.channels == {"one"}
        assert opened.resource_id
        assert DAY < opened.ends_at - datetime.now(UTC) <= 2 * DAY

    def test_of_the_list_stands_beside_those_of_calendars(self, world):
        of_one = world.calendars.watch_calendar(world.calendar_id, hook("one"))
        of_all = world.calendars.watch_calendar_list(hook("all"))

        assert world.channels == {"one", "all"}
        assert of_one.resource_id != of_all.resource_id

    @pytest.mark.scenario("P7")
    def test_overlaps_with_the_next_one_of_the_same_calendar(self, world):
        first = world.calendars.watch_calendar(world.calendar_id, hook("one"))
        second = world.calendars.watch_calendar(world.calendar_id, hook("two"))

        assert world.channels == {"one", "two"}
        world.calendars.stop_channel("one", first.resource_id)
        assert world.channels == {"two"}
        assert first.resource_id == second.resource_id

    @pytest.mark.scenario("P7")
    def test_is_not_renewed_under_its_own_id(self, world):
        world.calendars.watch_calendar(world.calendar_id, hook("one"))

        with pytest.raises(errors.AlreadyThere):
            world.calendars.watch_calendar(world.calendar_id, hook("one"))

    def test_that_has_ended_is_stopped_without_an_error(self, world):
        opened = world.calendars.watch_calendar(world.calendar_id, hook("one"))

        said = [world.calendars.stop_channel("one", opened.resource_id) for _ in range(2)]

        assert said == [True, False]
        assert world.channels == set()

    def test_may_be_open_when_no_answer_came(self, world):
        world.lose_answer()

        with pytest.raises(errors.OutcomeUnknown) as caught:
            world.calendars.watch_calendar(world.calendar_id, hook("one"))

        assert world.channels == {"one"}
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    def test_needs_an_address_that_the_provider_calls(self, google):
        google.sandbox.dial(http_channels=False)
        plain = hook("one")
        object.__setattr__(plain, "address", "http://hooks.example/")

        with pytest.raises(errors.WebhookRejected):
            google.calendars.watch_calendar(google.calendar_id, plain)

    def test_takes_a_refused_address_for_no_refused_token(self, google):
        said = {"errors": [{"domain": "global", "reason": "push.webhookUrlUnauthorized"}]}
        google.sandbox.fail_next(path_contains="watch", status=401, body={"error": said})

        with pytest.raises(errors.WebhookRejected):
            google.calendars.watch_calendar(google.calendar_id, hook("one"))

    def test_of_no_calendar_is_not_opened(self, google):
        with pytest.raises(errors.Gone):
            google.calendars.watch_calendar("nobody@example.com", hook("one"))

    def test_shows_its_secret_to_nobody(self):
        assert "secret" not in repr(hook("one"))
