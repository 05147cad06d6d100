"""The bell, the list of notices, the choice of channels, and the link that stops mails."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import RateCount
from accounts.rate_limit_counters import Rate
from integrations.models import (
    Connection,
    ConnectionStatus,
    NoticeChannel,
    NoticePreference,
    OwnerNotice,
)
from integrations.notifications import notice_kinds, notice_preferences, notice_stop_links
from integrations.providers import PROVIDERS
from integrations.settings.notices import notice_list, stop_views
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.factories import make_connection, make_integration, make_organisation, make_user
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]

LIST = "/settings/notices/"
CHOICES = "/settings/notices/choices/"
VERSION = FEATURES["mailbox-notices"].version
OWED = [kind.key for kind in notice_kinds.list_notice_kinds() if kind.is_owed]


def client_of(user):
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def owner(user):
    return {"user_id": user.id, "organisation_id": user.memberships.get().organisation_id}


def notice(user, message="calendar_shared", *, at=None, **more):
    at = at or timezone.now()
    return OwnerNotice.objects.create(
        message=message,
        about=more.pop("about", uuid7()),
        episode_at=at,
        created_at=at,
        routed_at=at,
        **owner(user),
        **more,
    )


@pytest.fixture
def alice():
    return make_user(organisation=make_organisation())


@pytest.fixture
def bob(alice):
    return make_user("bob", organisation=alice.memberships.get().organisation)


@pytest.fixture
def mailbox(alice):
    """Return Alice's mailbox, from which Antares may send."""
    scopes = sorted(PROVIDERS["google"].list_scopes_for({"mail.read", "mail.send"}))
    connection = make_connection(alice, alice.memberships.get().organisation, scopes=scopes)
    return make_integration(connection)


def bell(client, page="/calendar/"):
    (found,) = re.findall(r'<a class="bell".*?</a>', client.get(page).text, re.DOTALL)
    return re.sub(r"<[^>]+>", " ", found).split()


class TestBell:
    def test_counts_own_unread_notices(self, alice, bob):
        for _ in range(3):
            notice(alice)
        notice(alice, read_at=timezone.now())
        notice(bob)

        assert bell(client_of(alice)) == ["3", "Notices,", "3", "unread"]
        assert bell(client_of(bob)) == ["1", "Notices,", "1", "unread"]

    def test_says_no_number_without_unread_notices(self, alice):
        assert bell(client_of(alice)) == ["Notices"]

    def test_stops_counting_at_a_hundred(self, alice):
        for _ in range(101):
            notice(alice)

        assert bell(client_of(alice)) == ["99+", "Notices,", "more", "than", "99", "unread"]

    def test_is_not_on_public_pages_of_nobody(self):
        assert 'class="bell"' not in Client().get("/data-use/").text

    def test_costs_one_query_of_an_index(self, alice):
        client = client_of(alice)
        client.get(LIST)

        with CaptureQueriesContext(database) as queries:
            client.get("/data-use/")

        counting = [query["sql"] for query in queries if "integrations_ownernotice" in query["sql"]]
        assert len(counting) == 1
        assert "LIMIT 100" in counting[0]


class TestList:
    def test_shows_the_newest_first_each_with_a_link_and_marks_them_as_read(self, alice):
        now = timezone.now()
        notice(alice, "calendar_shared", at=now - timedelta(hours=2))
        notice(
            alice,
            "reconnect",
            provider="google",
            until=now + timedelta(days=3),
            at=now - timedelta(hours=1),
        )
        client = client_of(alice)

        shown = client.get(LIST).text

        assert shown.index("Your Google account has to be reconnected") < shown.index(
            "A colleague shared a calendar with you."
        )
        assert shown.count(">New<") == 2
        assert reverse("settings-access") in shown
        assert bell(client) == ["Notices"]
        assert ">New<" not in client.get(LIST).text

    def test_says_so_if_there_are_none(self, alice):
        assert "You have no notices." in client_of(alice).get(LIST).text

    def test_does_not_mark_as_read_for_a_request_that_shows_nothing(self, alice):
        notice(alice)

        client_of(alice).head(LIST)

        assert OwnerNotice.objects.get().read_at is None

    def test_never_shows_or_marks_notices_of_another_person(self, alice, bob):
        foreign = notice(bob)
        client = client_of(alice)

        assert "You have no notices." in client.get(LIST).text
        client.post(LIST)
        assert "There are no older notices." in client.get(LIST, {"before": foreign.id}).text

        foreign.refresh_from_db()
        assert foreign.read_at is None

    def test_pages_without_gaps_and_repetitions(self, alice, monkeypatch):
        monkeypatch.setattr(notice_list, "PAGE_SIZE", 2)
        expected = [notice(alice).id for _ in range(5)][::-1]

        page, ids, before = None, [], None
        while page is None or before is not None:
            page = notice_list.get_notice_page(before=before, **owner(alice))
            ids += [row.id for row in page.rows]
            before = page.next_before

        assert ids == expected
        shown = client_of(alice).get(LIST).text
        assert f"?before={expected[1]}" in shown

    @pytest.mark.parametrize("before", ["x", "0" * 400])
    def test_knows_no_page_before_anything_else(self, alice, before):
        assert client_of(alice).get(LIST, {"before": before}).status_code == 404

    def test_marks_all_as_read(self, alice):
        for _ in range(3):
            notice(alice)

        client_of(alice).post(LIST)

        assert not OwnerNotice.objects.filter(read_at=None).exists()

    def test_leaves_out_a_message_of_an_earlier_version(self, alice):
        client = client_of(alice)
        notice(alice, "calendar_shared")
        for _ in range(notice_list.PAGE_SIZE):
            notice(alice, "telegram")

        assert bell(client) == ["1", "Notices,", "1", "unread"]
        shown = client.get(LIST).text

        assert "A colleague shared a calendar with you." in shown
        assert shown.count(">New<") == 1
        assert bell(client) == ["Notices"]

    @pytest.mark.claim("notice.purged", "notice.receipt-ready")
    @pytest.mark.claim("notice.send-failed", "notice.send-unknown")
    @pytest.mark.parametrize(
        ("message", "text"),
        [
            ("purged", "Antares is removing your Google mail."),
            ("receipt_ready", "Antares removed your Google mail. The receipt is ready."),
            ("send_failed", "A message from your Google mail was not sent."),
            ("send_unknown", "does not know whether a message from your Google mail was sent."),
        ],
    )
    def test_says_what_happened_to_which_product(self, alice, message, text):
        subject = uuid7()
        notice(alice, message, provider="google", product="mail", about=subject)

        shown = client_of(alice).get(LIST).text

        assert text in shown
        assert (str(subject) in shown) is (message in {"purged", "receipt_ready"})


def choose(client, **channels):
    """Post the form as it is shown, with these choices."""
    chosen = {
        f"channel-{kind.key}": kind.default_channel.value
        for kind in notice_kinds.list_notice_kinds()
    }
    agree = channels.pop("agree", None)
    version = channels.pop("version", VERSION)
    form = {**chosen, **{f"channel-{kind}": value for kind, value in channels.items()}}
    return client.post(CHOICES, {**form, "version": version, **({"agree": agree} if agree else {})})


def get_channel(user, kind):
    spec = notice_kinds.find_notice_kind(kind)
    return notice_preferences.get_channel(spec, **owner(user))


class TestChoices:
    def test_shows_the_default_of_each_kind(self, alice):
        shown = client_of(alice).get(CHOICES).text

        for kind in notice_kinds.list_notice_kinds():
            assert str(kind.title) in shown
        assert shown.count("Always: you can choose where") == len(OWED)
        assert "first allow Antares to send mail" in shown

    def test_saves_a_choice_for_one_kind(self, alice):
        answer = choose(client_of(alice), calendar_shared="off")

        assert answer.status_code == 302
        assert get_channel(alice, "calendar_shared").channel == NoticeChannel.OFF
        assert get_channel(alice, "send_problem").channel == NoticeChannel.PAGE

    @pytest.mark.parametrize("channel", ["off", "page"])
    @pytest.mark.parametrize("kind", OWED)
    def test_refuses_to_switch_off_an_owed_kind_by_a_forged_form(self, alice, kind, channel):
        answer = choose(client_of(alice), **{kind: channel})

        assert answer.status_code == 200
        assert "Choose one of the options" in answer.text
        assert not NoticePreference.objects.exists()

    @pytest.mark.clause("AN-13")
    def test_offers_a_mailbox_that_can_send_and_asks_for_agreement(self, alice, mailbox):
        client = client_of(alice)
        shown = client.get(CHOICES).text
        assert FEATURES["mailbox-notices"].disclosure in shown
        value = f"mailbox:{mailbox.id}"
        assert value in shown

        refused = choose(client, reconnect=value)

        assert "Tick the box to agree" in refused.text
        assert not NoticePreference.objects.exists()

        assert choose(client, reconnect=value, agree="on").status_code == 302
        chosen = get_channel(alice, "reconnect")
        assert (chosen.channel, chosen.integration_id) == (NoticeChannel.MAILBOX, mailbox.id)
        (consent,) = Consent.objects.filter(feature="mailbox-notices")
        assert (consent.owner_id, consent.version) == (alice.id, VERSION)
        # Asked once.
        assert 'name="agree"' not in client.get(CHOICES).text
        assert choose(client, reconnect=value, removal=value).status_code == 302

    def test_asks_again_for_another_version(self, alice, mailbox):
        answer = choose(
            client_of(alice), reconnect=f"mailbox:{mailbox.id}", agree="on", version=VERSION + 1
        )

        assert "The description has changed" in answer.text
        assert not Consent.objects.filter(feature="mailbox-notices").exists()

    def test_refuses_a_mailbox_of_another_person(self, alice, bob, mailbox):
        answer = choose(client_of(bob), reconnect=f"mailbox:{mailbox.id}", agree="on")

        assert "Choose one of the options" in answer.text
        assert not NoticePreference.objects.exists()

    @pytest.mark.parametrize("change", ["scope", "grant", "product"])
    def test_refuses_a_mailbox_that_cannot_send(self, alice, mailbox, change):
        if change == "scope":
            Connection.objects.update(granted_scopes=["email", "openid"])
        elif change == "grant":
            Connection.objects.update(
                status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=timezone.now()
            )
        else:
            mailbox.product = "calendar"
            mailbox.save()

        answer = choose(client_of(alice), reconnect=f"mailbox:{mailbox.id}", agree="on")

        assert "Choose one of the options" in answer.text
        assert not NoticePreference.objects.exists()

    @pytest.mark.parametrize("value", ["", "sms", "mailbox", "mailbox:", "mailbox:x"])
    def test_refuses_what_is_no_choice(self, alice, value):
        answer = choose(client_of(alice), calendar_shared=value)

        assert answer.status_code == 200
        assert not NoticePreference.objects.exists()


class TestAgreement:
    def test_is_offered_where_mailboxes_are_chosen(self, alice):
        assert f'href="{CHOICES}"' in client_of(alice).get("/settings/access/").text

    def test_is_withdrawn_without_disconnecting_the_mailbox(self, alice, mailbox):
        # Without one there is nothing to confirm the withdrawal with.
        alice.set_password("a password of hers")
        alice.save()
        client = cast.browser(alice, recent=True)
        choose(client, reconnect=f"mailbox:{mailbox.id}", agree="on")

        page = "/settings/features/mailbox-notices/withdraw/"
        assert client.get(page).status_code == 200
        assert client.post(page).status_code == 302

        mailbox.refresh_from_db()
        assert mailbox.status == "active"
        assert Consent.objects.get(feature="mailbox-notices").withdrawn_at is not None


class TestStopLink:
    def link(self, user, kind="calendar_shared"):
        url = notice_stop_links.make_stop_url(notice_kinds.find_notice_kind(kind), **owner(user))
        return url.removeprefix(settings.PUBLIC_URL)

    @pytest.fixture
    def mailed(self, alice):
        for kind in ("calendar_shared", "send_problem"):
            notice_preferences.choose_channel(
                notice_kinds.find_notice_kind(kind),
                NoticeChannel.PLATFORM_MAIL,
                at=timezone.now(),
                **owner(alice),
            )
        return alice

    @pytest.mark.claim("notices.stopped")
    def test_stops_one_kind_for_one_person_without_a_session(self, mailed, bob):
        notice_preferences.choose_channel(
            notice_kinds.find_notice_kind("calendar_shared"),
            NoticeChannel.PLATFORM_MAIL,
            at=timezone.now(),
            **owner(bob),
        )
        client = Client(enforce_csrf_checks=True)

        answer = client.post(self.link(mailed), {"List-Unsubscribe": "One-Click"})

        assert answer.status_code == 200
        assert "Antares sends you no more mail of this kind." in answer.text
        assert get_channel(mailed, "calendar_shared").channel == NoticeChannel.PAGE
        assert get_channel(mailed, "send_problem").channel == NoticeChannel.PLATFORM_MAIL
        assert get_channel(bob, "calendar_shared").channel == NoticeChannel.PLATFORM_MAIL
        assert answer["Referrer-Policy"] == "no-referrer"
        assert not answer.cookies

    def test_changes_nothing_when_it_is_only_opened(self, mailed):
        answer = Client().get(self.link(mailed))

        assert "Stop this mail" in answer.text
        assert get_channel(mailed, "calendar_shared").channel == NoticeChannel.PLATFORM_MAIL

    def test_does_the_same_twice(self, mailed):
        for _ in range(2):
            assert Client().post(self.link(mailed)).status_code == 200

        assert get_channel(mailed, "calendar_shared").channel == NoticeChannel.PAGE

    def test_does_not_turn_on_what_the_person_switched_off(self, alice):
        notice_preferences.choose_channel(
            notice_kinds.find_notice_kind("calendar_shared"),
            NoticeChannel.OFF,
            at=timezone.now(),
            **owner(alice),
        )

        Client().post(self.link(alice))

        assert get_channel(alice, "calendar_shared").channel == NoticeChannel.OFF

    @pytest.mark.parametrize("kind", OWED)
    def test_does_not_exist_for_owed_kinds(self, alice, kind):
        spec = notice_kinds.find_notice_kind(kind)

        assert notice_stop_links.make_stop_url(spec, **owner(alice)) == ""
        with pytest.raises(notice_preferences.ChannelNotOffered):
            notice_preferences.stop_mail(spec, at=timezone.now(), **owner(alice))

    @pytest.mark.parametrize("token", ["x", "a:b:c", "x" * 5000, "WyJhIl0:1:2"])
    def test_is_refused_if_it_is_not_ours(self, token):
        assert Client().post(f"/notices/stop/{token}/").status_code == 404

    def test_is_refused_if_it_was_altered(self, mailed):
        link = self.link(mailed)
        altered = link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]

        assert Client().post(altered).status_code == 404
        assert get_channel(mailed, "calendar_shared").channel == NoticeChannel.PLATFORM_MAIL

    def test_of_a_former_key_works_while_the_key_is_configured(self, mailed, settings):
        link = self.link(mailed)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "n" * 60

        assert Client().post(link).status_code == 200

    def test_is_limited_by_network(self, mailed, monkeypatch):
        monkeypatch.setattr(stop_views, "RATE", Rate("notice-stop", 2, 60))

        answers = [Client().get(self.link(mailed)).status_code for _ in range(3)]

        assert answers == [200, 200, 429]
        assert RateCount.objects.exists()

    def test_does_not_say_that_stopped_mail_is_received(self, mailed):
        link = self.link(mailed)
        Client().post(link)

        shown = Client().get(link).text

        assert "The button stops mail of this kind" in shown
        assert "You receive mail" not in shown

    def test_leads_nowhere_else(self, mailed):
        answer = Client().post(f"{self.link(mailed)}?next=https://evil.example/")

        assert answer.status_code == 200
        assert "evil.example" not in answer.text
