"""Cursors over HTTP: bound to what they page through and to whom, and no row lost or repeated."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core import signing
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Message, MessageBody, Thread
from tests import factories
from tests.api import cast, schema
from tests.integrations import household as houses

V1 = "/v1/users/me"


def cursor_of(client, where="messages", **filters):
    """Return the cursor of the first page's end."""
    body = schema.check_answer(client.get(f"{V1}/{where}", {"limit": 2, **filters}))
    assert body["next_cursor"]
    return body["next_cursor"]


def check_cursor_refused(client, cursor, where="messages", **filters):
    schema.problem(
        client.get(f"{V1}/{where}", {"cursor": cursor, **filters}), 400, "invalid-cursor"
    )


@pytest.mark.control("2.3.4")
@pytest.mark.invariant(1)
class TestACursor:
    @pytest.mark.parametrize("where", ["messages", "threads"])
    @pytest.mark.parametrize("forged", ["x", "a:b:c", "WzFd:1:2", "…", "null", "0" * 5000])
    def test_that_is_forged_is_invalid(self, hers, where, forged):
        check_cursor_refused(hers, forged, where)

    def test_that_was_altered_anywhere_is_invalid(self, hers):
        cursor = cursor_of(hers)

        for place in range(len(cursor)):
            for other in "Az_":
                changed = cursor[:place] + other + cursor[place + 1 :]
                # The last character of a base64 block has spare bits: the same signature.
                if changed != cursor and not same_bytes(changed, cursor):
                    check_cursor_refused(hers, changed)

    @pytest.mark.parametrize(
        "filters",
        [{"unread": "true"}, {"folder": "inbox"}, {"received_after": "2020-01-01T00:00:00Z"}],
    )
    def test_is_for_its_own_filters(self, hers, filters):
        check_cursor_refused(hers, cursor_of(hers), **filters)
        check_cursor_refused(hers, cursor_of(hers, **filters))

    def test_may_go_on_with_another_limit(self, hers):
        answer = hers.get(f"{V1}/messages", {"cursor": cursor_of(hers), "limit": 100})

        assert len(schema.check_answer(answer)["data"]) == 5

    def test_of_messages_is_none_of_threads(self, hers):
        check_cursor_refused(hers, cursor_of(hers, "messages"), "threads")
        check_cursor_refused(hers, cursor_of(hers, "threads"), "messages")

    def test_of_one_person_is_none_of_another(self, hers, bob, mallory):
        cursor = cursor_of(hers)

        for house in (bob, mallory):
            check_cursor_refused(cast.browser(house.user), cursor)

    def test_of_a_person_is_none_of_their_feature(self, hers, widget):
        check_cursor_refused(widget, cursor_of(hers))
        check_cursor_refused(hers, cursor_of(widget))

    def test_of_one_delegation_is_none_of_the_next(self, alice):
        client = cast.widget()
        first = cast.switch_on(alice, client)
        cursor = cursor_of(cast.feature(client, first))
        cast.delegations.switch_delegation_off(
            delegation_id=first.id, user_id=alice.user.id, at=timezone.now()
        )

        check_cursor_refused(cast.feature(client, cast.switch_on(alice, client)), cursor)

    def test_of_one_organisation_is_none_of_another(self, hers, alice):
        from accounts import memberships, organisations

        cursor = cursor_of(hers)
        other = organisations.found_organisation(
            platform_id="second", name="Second", at=timezone.now()
        )
        memberships.add_member(user_id=alice.user.id, organisation_id=other.id, at=timezone.now())
        answer = hers.post("/accounts/organisation/", {"organisation": str(other.id)})

        assert answer.status_code == 303
        check_cursor_refused(hers, cursor)

    def test_is_no_state_and_a_state_is_no_cursor(self, hers, alice):
        answer = hers.post("/settings/integrations/connect/google/begin", cast.AGREED)
        state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]

        check_cursor_refused(hers, state)
        hers.get("/connect/google/callback", {"state": cursor_of(hers), "code": "4/x"})

        assert alice.connection.__class__.objects.count() == 1

    @pytest.mark.parametrize("salt", ["", "django.core.signing", "integrations.mail.cursor"])
    def test_signed_by_us_for_something_else_is_invalid(self, hers, salt):
        check_cursor_refused(hers, signing.dumps([0, 0, 0, "0" * 32], salt=salt))

    def test_that_has_expired_says_to_begin_again(self, hers, alice):
        cursor = cursor_of(hers)

        with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
            later = cast.browser(alice.user)
            answer = later.get(f"{V1}/messages", {"cursor": cursor})

        assert "without a cursor" in schema.problem(answer, 410, "expired-cursor")["detail"]

    def test_goes_on_under_a_former_secret_and_no_longer_without(self, hers, settings):
        cursor = cursor_of(hers)

        settings.ROOT_SECRETS = ["another", *settings.ROOT_SECRETS]
        assert schema.check_answer(hers.get(f"{V1}/messages", {"cursor": cursor}))["data"]
        settings.ROOT_SECRETS = ["another"]
        check_cursor_refused(hers, cursor)

    def test_tells_nothing_of_the_mail(self, hers):
        import base64

        payload = cursor_of(hers).split(":")[0]

        assert cast.MARKER.encode() not in base64.urlsafe_b64decode(payload + "==")


def same_bytes(one: str, other: str) -> bool:
    import base64

    def decode_parts(text):
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(":")]

    try:
        return (
            len(one.split(":")) == 3
            and decode_parts(one)[::2] == decode_parts(other)[::2]
            and (one.split(":")[1] == other.split(":")[1])
        )
    except ValueError:
        return False


STEPS = st.lists(st.sampled_from(["page", "newer", "older", "same", "delete"]), max_size=12)


class TestPaging:
    @pytest.mark.parametrize("where", ["messages", "threads"])
    @given(steps=STEPS, limit=st.integers(1, 3))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
    @pytest.mark.scenario("S10")
    def test_loses_and_repeats_no_row_while_others_come_and_go(self, bob, where, steps, limit):
        at = timezone.now()
        Message.objects.filter(integration=bob.integration).delete()
        Thread.objects.filter(integration=bob.integration).delete()
        MessageBody.objects.filter(integration_id=bob.integration.id).delete()
        # Three of them at the very same moment: the id breaks the tie.
        ages = [0, 1, 1, 1, 2, 3, 4]
        begun = [put_message(bob, where, at - timedelta(hours=age)) for age in ages]
        client, seen, cursor, steps = cast.browser(bob.user), [], None, list(steps)
        gone = set()

        while True:
            query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            body = schema.check_answer(client.get(f"{V1}/{where}", query))
            seen += [one["id"] for one in body["data"]]
            cursor = body["next_cursor"]
            assert len(body["data"]) <= limit
            if cursor is None:
                break
            gone |= change_list_between_pages(
                bob, where, steps.pop() if steps else "page", at, begun
            )

        assert len(seen) == len(set(seen))
        assert set(begun) - gone <= set(seen)


def put_message(house: houses.Household, where: str, at) -> str:
    message = factories.make_message(house.integration, received_at=at)
    return str(message.id if where == "messages" else message.thread_id)


def change_list_between_pages(house, where, step, at, begun) -> set[str]:
    """Let something happen to the list between two pages; return which of `begun` it removed."""
    moments = {
        "newer": timedelta(hours=1),
        "older": -timedelta(hours=9),
        "same": -timedelta(hours=1),
    }
    if step in moments:
        put_message(house, where, at + moments[step])
    if step == "delete":
        victim = begun[len(begun) // 2]
        rows = (
            Message.objects.filter(id=victim)
            if where == "messages"
            else (Message.objects.filter(thread_id=victim))
        )
        MessageBody.objects.filter(message__in=rows).delete()
        rows.delete()
        Thread.objects.filter(id=victim).delete()
        return {victim}
    return set()
