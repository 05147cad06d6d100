"""Sharing a calendar through the API: two people, and an address that nobody has."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.models import Calendar
from limited_use.agreements import shares
from limited_use.models import Consent, Leaf, Share
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.household import person
from tests.integrations.sync.conftest import keyring
from tests.walls import acting_as

__all__ = ["keyring"]

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-8")]
V1 = "/v1/users/me"
VERSION = FEATURES["calendar-sharing"].version


@pytest.fixture
def alice(monkeypatch):
    account = houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    house = houses.calendar_house(at=timezone.now())
    account.put(meeting(moment(3), "Review"))
    house.sync(at=timezone.now())
    return house


@pytest.fixture
def bob(alice):
    user, *_ = person("bob", alice.organisation, at=timezone.now())
    cast.verified(user)
    return user


def shares_of(alice) -> str:
    return f"{V1}/calendars/{alice.primary.id}/shares"


def post_share(alice, email, *, browser=None, **more):
    body = {"email": email, "level": "details", "version": VERSION, **more}
    browser = browser or cast.browser(alice.user)
    return browser.post(shares_of(alice), json.dumps(body), content_type="application/json")


def list_shares_with(*users) -> list[Share]:
    return list(Share.objects.filter(viewer_id__in=[user.id for user in users]))


class TestSharing:
    def test_shows_the_calendar_to_whoever_has_the_address(self, alice, bob):
        assert post_share(alice, bob.email.upper()).status_code == 202

        found = cast.browser(bob).get(f"{V1}/shares").json()["data"]
        assert [(one["direction"], one["level"]) for one in found] == [("received", "details")]
        mine = cast.browser(alice.user).get(shares_of(alice)).json()["data"]
        assert [(one["direction"], one["address"]) for one in mine] == [
            ("given", bob.email.upper())
        ]

    @pytest.mark.control("3.1.4")
    def test_lists_for_its_owner_what_they_typed_and_nobody_behind_it(self, alice, bob):
        cast.verified(alice.user)
        typed = [bob.email, "Nobody@antares.example", alice.user.email]
        for address in typed:
            post_share(alice, address)
        browser = cast.browser(alice.user)

        lists = [
            browser.get(shares_of(alice)).json()["data"],
            browser.get(f"{V1}/shares").json()["data"],
        ]

        for listed in lists:
            assert [one.pop("address") for one in listed] == typed[::-1]
            # Nothing else of a share tells whether anybody has its address.
            own = {"id", "given_at"}
            assert len({str({k: v for k, v in one.items() if k not in own}) for one in listed}) == 1
            assert listed[0]["user_id"] is None
            assert listed[0]["name"] is None
            assert bob.name not in str(listed)
            assert str(bob.id) not in str(listed)

    def test_takes_the_same_address_twice_as_one(self, alice, bob):
        for address in (bob.email, bob.email.upper(), "no@antares.example", "NO@antares.example"):
            post_share(alice, address)

        mine = cast.browser(alice.user).get(shares_of(alice)).json()["data"]
        assert [one["address"] for one in mine] == ["no@antares.example", bob.email]

    def test_takes_them_as_one_under_another_secret_as_well(self, alice, bob, settings):
        typed = [bob.email, "nobody@antares.example"]
        for address in typed:
            post_share(alice, address)
        settings.ROOT_SECRETS = ["another", *settings.ROOT_SECRETS]
        for address in typed:
            post_share(alice, address)

        mine = cast.browser(alice.user).get(shares_of(alice)).json()["data"]
        assert [one["address"] for one in mine] == typed[::-1]

    @pytest.mark.control("3.1.4")
    @pytest.mark.parametrize(("letter", "look_alike"), [("k", "\u212a"), ("s", "\u017f")])
    def test_takes_look_alikes_in_the_same_way_whether_or_not_anybody_has_the_address(
        self, alice, letter, look_alike
    ):
        """The sign for kelvin is a k in lower case; a long s is an s in upper case."""
        user, *_ = person("kis", alice.organisation, at=timezone.now())
        cast.verified(user)
        counts = []
        for address in (user.email, user.email.replace("kis", "kiss")):
            post_share(alice, address)
            post_share(alice, address.replace(letter, look_alike, 1))
            counts.append(Share.objects.count())

        assert counts[1] == 2 * counts[0]

    @pytest.mark.invariant(4)
    def test_keeps_what_was_typed_encrypted_and_until_it_ends(self, alice, bob):
        for address in (bob.email, "nobody@antares.example"):
            post_share(alice, address)
        kept = list(Share.objects.values_list("typed_address", flat=True))
        for row in Share.objects.all():
            cast.browser(alice.user).delete(f"{V1}/shares/{row.id}")

        assert len(kept) == 2
        assert not any("antares.example" in one for one in kept)
        assert list(Share.objects.values_list("typed_address", flat=True)) == ["", ""]

    @pytest.mark.invariant(4)
    def test_forgets_what_was_typed_once_it_has_expired(self, alice, bob):
        until = timezone.now() + timedelta(hours=1)
        post_share(alice, bob.email, expires_at=until.isoformat())
        post_share(alice, "nobody@antares.example")
        with acting_as(ProcessClass.PURGE):
            forgotten = shares.forget_expired_share_addresses(at=until)

        mine = cast.browser(alice.user).get(shares_of(alice)).json()["data"]
        assert forgotten == 1
        assert [one["address"] for one in mine] == ["nobody@antares.example", ""]

    @pytest.mark.control("3.1.4")
    def test_answers_the_same_whether_anybody_has_the_address(self, alice, bob):
        known = post_share(alice, bob.email)
        cast.verified(alice.user)
        others = [post_share(alice, "nobody@antares.example"), post_share(alice, alice.user.email)]

        assert {one.status_code for one in (known, *others)} == {202}
        assert len({one.content for one in (known, *others)}) == 1
        assert [one.viewer_id == bob.id for one in list_shares_with(bob)] == [True]

    def test_tries_no_more_addresses_in_an_hour_than_anybody_would(self, alice):
        browser = cast.browser(alice.user)
        tried = [post_share(alice, f"p{one}@antares.example", browser=browser) for one in range(31)]

        assert {one.status_code for one in tried[:30]} == {202}
        assert (tried[30].status_code, tried[30].json()["code"]) == (429, "rate-limited")
        assert 0 < int(tried[30].headers["Retry-After"]) <= 3600
        assert Share.objects.count() == 30

    def test_reaches_nobody_outside_and_nobody_unverified(self, alice, bob):
        stranger, *_ = person("mallory", at=timezone.now())
        cast.verified(stranger)
        cast.verified(bob, verified=False)

        post_share(alice, stranger.email)
        post_share(alice, bob.email)

        assert list_shares_with(stranger, bob) == []
        for user in (stranger, bob):
            assert cast.browser(user).get(f"{V1}/shares").json()["data"] == []

    @pytest.mark.clause("GUDP-change")
    def test_takes_agreement_to_its_words_as_they_are(self, alice, bob):
        answer = post_share(alice, bob.email, version=VERSION + 1)

        assert (answer.status_code, answer.json()["code"]) == (409, "not-agreed")
        assert not Consent.objects.filter(feature="calendar-sharing").exists()

    def test_ends_in_the_past_for_nobody(self, alice, bob):
        past = (timezone.now() - timedelta(hours=1)).isoformat()

        answer = post_share(alice, bob.email, expires_at=past)

        assert (answer.status_code, answer.json()["code"]) == (400, "end-in-the-past")

    @pytest.mark.control("3.1.4")
    def test_of_anybody_elses_calendar_is_of_none(self, alice, bob):
        browser = cast.browser(bob)

        assert browser.get(shares_of(alice)).status_code == 404
        body = json.dumps({"email": bob.email, "level": "details", "version": VERSION})
        answer = browser.post(shares_of(alice), body, content_type="application/json")
        assert answer.status_code == 404
        assert not Share.objects.exists()

    @pytest.mark.invariant(3)
    def test_is_in_the_ledger_without_a_name_or_an_address(self, alice, bob):
        post_share(alice, bob.email)

        said = [bytes(one.payload).decode() for one in Leaf.objects.all()]
        assert any('"event":"share.given"' in one for one in said)
        assert not any(bob.email in one or str(bob.id) in one for one in said)


class TestEnding:
    @pytest.fixture(autouse=True)
    def _shared(self, alice, bob):
        post_share(alice, bob.email)
        self.share = Share.objects.get()

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("who", ["owner", "viewer"])
    def test_is_for_both(self, alice, bob, who):
        browser = cast.browser(alice.user if who == "owner" else bob)

        assert browser.delete(f"{V1}/shares/{self.share.id}").status_code == 204

        assert cast.browser(bob).get(f"{V1}/shares").json()["data"] == []
        assert browser.delete(f"{V1}/shares/{self.share.id}").status_code == 404

    @pytest.mark.control("3.1.4")
    def test_is_for_nobody_else(self, alice):
        mallory, *_ = person("mallory", alice.organisation, at=timezone.now())

        answer = cast.browser(mallory).delete(f"{V1}/shares/{self.share.id}")

        assert answer.status_code == 404
        assert Share.objects.get().withdrawn_at is None

    def test_goes_with_the_calendar(self, alice, bob):
        Calendar.objects.update(gone_at=timezone.now())

        assert cast.browser(bob).get(f"{V1}/shares").json()["data"] == []
