"""An agent finds a person and disconnects an account, over HTTP, until the person reads of it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts import demo_people
from config.process_classes import ProcessClass
from config.sites import STAFF
from integrations.models import (
    OwnerNotice,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportLookup,
)
from integrations.tasks import support as tasks
from integrations.tasks.notices import deliver_notice
from limited_use.models import Receipt
from tests.accounts.cast import totp_code
from tests.api import cast
from tests.factories import make_connection, make_integration, make_message
from tests.integrations.pages import reading
from tests.integrations.purge.revoke_endpoint import RevokeEndpoint
from tests.integrations.support.desk import make_agent
from tests.integrations.support_desk import TEXT, TICKET, Desk, finish_purge, run_purge_act
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("requests_act_as_web"),
]
KIND = SupportActKind


@pytest.fixture
def google(settings):
    with RevokeEndpoint.running() as endpoint:
        settings.GOOGLE = replace(
            settings.GOOGLE,
            revoke_url=endpoint.url,
            token_url=endpoint.token_url,
            api_root_url=endpoint.root_url,
        )
        yield endpoint


@pytest.fixture
def desk(google):
    desk = Desk()
    desk.sam.set_password("correct horse")
    desk.sam.save()
    desk.secret = demo_people.add_second_factor(desk.sam)
    return desk


@pytest.fixture
def browser(desk):
    """Return Sam's browser, signed in with both factors, and with no recent confirmation."""
    return cast.desk(desk.sam)


def confirm(browser, *methods):
    with override_settings(SITE=STAFF):
        session = browser.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] += [
            {"method": method, "at": time.time(), "reauthenticated": True} for method in methods
        ]
        session.save()


def act_page(lookup, **query):
    address = reverse("support-act-new", args=[lookup.id])
    return f"{address}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


def form_of(kind, **more):
    return {"kind": kind, "reason": "device_lost", "text": TEXT, "ticket": TICKET, **more}


class TestTheForm:
    def test_states_the_effect_in_numbers_before_it_is_ordered(self, desk, browser):
        for _ in range(2):
            make_message(desk.mail)
        lookup = desk.find()

        page = browser.get(
            act_page(lookup, kind="revoke_connection", connection=desk.connection.id)
        )

        text = reading.text(page.text)
        assert page.status_code == 200
        assert "2 messages are removed from Antares" in text
        assert "1 account is disconnected" in text
        assert "Antares calendars stay: only their owner can remove them." in text
        assert "The person is notified, and reads the reason, the text and the ticket." in text
        assert desk.alice.email not in page.text
        assert not SupportAct.objects.exists()

    @pytest.mark.parametrize(
        "change", [{"text": ""}, {"ticket": ""}, {"ticket": "<script>"}, {"reason": ""}]
    )
    def test_is_shown_again_with_a_sentence_at_the_wrong_field(self, desk, browser, change):
        confirm(browser, "mfa")
        lookup = desk.find()
        form = form_of("revoke_connection", connection=desk.connection.id, **change)

        answer = browser.post(reverse("support-act-new", args=[lookup.id]), form)

        assert answer.status_code == 400
        assert "errorlist" in answer.text
        assert not SupportAct.objects.exists()

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"kind": "launch"},
            {"kind": "revoke_connection"},
            {"kind": "revoke_connection", "connection": "one"},
            {"kind": "revoke_person", "receipt": "018f0000-0000-7000-8000-000000000000"},
        ],
    )
    def test_of_no_offered_act_is_refused_in_a_sentence(self, desk, browser, query):
        answer = browser.get(act_page(desk.find(), **query))

        assert answer.status_code == 400
        assert "Choose one of the acts that the page of the person offers." in answer.text

    @pytest.mark.claim("support.no-local-calendars")
    def test_is_refused_for_calendars_that_are_only_in_antares(self, desk, browser):
        local = make_integration(
            make_connection(desk.alice, desk.acme, provider="offline"),
            product="calendar",
            consent=False,
        )
        lookup = desk.find()

        for query in (
            {"kind": "revoke_connection", "connection": local.connection_id},
            {"kind": "revoke_integration", "integration": local.id},
        ):
            answer = browser.get(act_page(lookup, **query))
            assert answer.status_code == 400
            assert "Support never removes Antares calendars" in answer.text

    def test_is_unknown_with_a_look_up_that_is_over_or_foreign(self, desk, browser):
        lookup, foreign = desk.find(), desk.find(agent=make_agent("sue"))
        SupportLookup.objects.filter(id=lookup.id).update(expires_at=timezone.now())

        for each in (lookup, foreign):
            assert browser.get(act_page(each, kind="revoke_person")).status_code == 404

    def test_is_unknown_for_an_account_of_somebody_else(self, desk, browser):
        bob = Desk(sam=make_agent("sue"))
        lookup = desk.find()

        for query in (
            {"kind": "revoke_connection", "connection": bob.connection.id},
            {"kind": "sync_now", "integration": bob.mail.id},
        ):
            assert browser.get(act_page(lookup, **query)).status_code == 404


class TestConfirmation:
    def test_by_a_password_alone_does_not_suffice(self, desk, browser):
        confirm(browser, "password")
        lookup = desk.find()
        form = form_of("revoke_connection", connection=desk.connection.id)

        answer = browser.post(reverse("support-act-new", args=[lookup.id]), form)

        assert answer.status_code == 302
        assert "/accounts/mfa/reauthenticate/" in answer["Location"]
        assert not SupportAct.objects.exists()

    def test_by_the_second_factor_sends_the_form_that_waited(self, desk, browser):
        lookup = desk.find()
        form = form_of("revoke_connection", connection=desk.connection.id)
        waiting = browser.post(reverse("support-act-new", args=[lookup.id]), form)

        answer = browser.post(waiting["Location"], {"code": totp_code(desk.secret)})

        act = SupportAct.objects.get()
        assert answer["Location"] == reverse("support-act", args=[act.id])
        assert (act.agent_id, act.user_id, act.text) == (desk.sam.id, desk.alice.id, TEXT)
        assert Authenticator.objects.filter(user=desk.sam).exists()


class TestTheActPage:
    def order(self, desk, browser, **form):
        confirm(browser, "mfa")
        answer = browser.post(reverse("support-act-new", args=[desk.find().id]), form_of(**form))
        assert answer.status_code == 302, answer.text
        return answer["Location"]

    def test_of_another_agent_is_unknown_until_they_find_the_person(self, desk, browser):
        page = self.order(desk, browser, kind="revoke_connection", connection=desk.connection.id)
        sue = make_agent("sue")
        demo_people.add_second_factor(sue)
        other = cast.desk(sue)

        assert other.get(page).status_code == 404
        desk.find(agent=sue)
        assert other.get(page).status_code == 200

    def test_says_after_the_look_up_that_the_person_has_to_be_found_again(self, desk, browser):
        page = self.order(desk, browser, kind="revoke_connection", connection=desk.connection.id)
        run_purge_act(SupportAct.objects.get())
        SupportLookup.objects.update(expires_at=timezone.now())

        text = reading.text(browser.get(page).text)

        assert "Done" in text
        assert "Find the person again to see how far the removal is." in text


class TestTheJourney:
    @pytest.mark.claim("support.act-is-told")
    def test_from_the_look_up_to_what_the_person_reads(self, desk, browser, google, mailoutbox):
        lookup = desk.find()
        with acting_as(ProcessClass.PURGE):
            tasks.notify_of_lookup(lookup_id=str(lookup.id))
        waiting = browser.post(
            reverse("support-act-new", args=[lookup.id]),
            form_of("revoke_connection", connection=desk.connection.id),
        )
        page = browser.post(waiting["Location"], {"code": totp_code(desk.secret)})["Location"]
        assert "In progress" in browser.get(page).text
        act = SupportAct.objects.get()

        with acting_as(ProcessClass.PURGE):
            tasks.run_support_revocation(act_id=str(act.id))
        answer = browser.get(page, headers={"HX-Request": "true"})
        assert "hx-get" in answer.text
        for job in PurgeJob.objects.filter(support_act_id=act.id):
            finish_purge(job)

        act.refresh_from_db()
        assert (act.state, act.done_count) == (SupportActState.DONE, 2)
        assert google.tokens != []
        documents = [json.loads(bytes(receipt.document)) for receipt in Receipt.objects.all()]
        assert {document["body"]["trigger"] for document in documents} == {"support"}
        source = browser.get(page).text
        assert "hx-get" not in source
        assert all(str(receipt.id) in source for receipt in Receipt.objects.all())
        for notice in OwnerNotice.objects.filter(message__startswith="support_disconnected"):
            deliver_notice(notice_id=str(notice.id))
        mail = next(mail for mail in mailoutbox if "support agent" in mail.body)
        assert mail.to == [desk.alice.email]
        assert "A device is lost or stolen." in mail.body
        self.read_as_alice(desk, act)

    def read_as_alice(self, desk, act):
        alice = cast.browser(desk.alice)
        notices = reading.text(alice.get(reverse("settings-notices")).text)
        assert "A support agent of Antares looked up the state of your connections." in notices
        assert "A support agent of Antares disconnected your Google account." in notices
        assert "The reason that the agent gave: A device is lost or stolen." in notices
        page = reading.text(alice.get(reverse("settings-support")).text)
        for words in (
            "Disconnect one account",
            "A device is lost or stolen.",
            TEXT,
            TICKET,
            "Done",
        ):
            assert words in page
        entries = alice.get(reverse("settings-activity-entries")).text
        rows = [
            reading.text(row) for row in re.findall(r"<summary>.*?</summary>", entries, re.DOTALL)
        ]
        for what in ("Find you for support", "· Order of support", "Drive disconnected"):
            lines = [row for row in rows if row.endswith(what)]
            assert lines, (what, rows)
            assert {row.split(" · ")[1] for row in lines} == {"An Antares support agent"}
        day = reading.text(alice.get(reverse("settings-activity")).text)
        assert "An Antares support agent" in day
