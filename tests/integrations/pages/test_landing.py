"""The page after a sign-in: where each role works, and where a person's accounts are."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations import connections
from integrations.models import LIVE, Integration, PurgeTrigger
from tests.accounts.cast import PASSWORD
from tests.api import cast
from tests.factories import make_user
from tests.integrations import household as houses
from tests.integrations.calendar.local_house import create_local_calendar
from tests.integrations.calendar.test_shared import actor_of
from tests.staff_site import STAFF_URL, use_site
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
LANDING = "/start/"
INBOX, CALENDAR, SETTINGS = "/inbox/", "/calendar/", "/settings/integrations/"


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def find_landing(user) -> str:
    answer = browser_of(user).get(LANDING)
    assert answer.status_code == 302
    return answer["Location"]


class TestLanding:
    def test_is_settings_with_nothing_connected(self):
        alice, *_ = houses.person(at=timezone.now())

        assert find_landing(alice) == SETTINGS

    def test_is_the_inbox_with_a_mailbox(self, alice):
        assert find_landing(alice.user) == INBOX

    def test_is_the_calendar_with_calendars_alone(self):
        alice = houses.household(product="calendar", features=("calendar",))

        assert find_landing(alice.user) == CALENDAR

    def test_is_the_inbox_with_a_mailbox_and_calendars(self, alice):
        who = (alice.user, alice.organisation, alice.membership)
        houses.household(who=who, product="calendar", features=("calendar",))

        assert find_landing(alice.user) == INBOX

    # The inbox says that the account has to be reconnected.
    @pytest.mark.parametrize("status", LIVE)
    def test_is_the_inbox_with_a_live_mailbox(self, alice, status):
        Integration.objects.filter(id=alice.integration.id).update(status=status)

        assert find_landing(alice.user) == INBOX

    def test_is_settings_with_antares_calendars_alone(self):
        person = houses.person(at=timezone.now())
        create_local_calendar(actor_of(*person))

        assert find_landing(person[0]) == SETTINGS

    def test_is_settings_once_the_only_mailbox_is_disconnected(self, alice):
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
            trigger=PurgeTrigger.OWNER,
        )

        assert find_landing(alice.user) == SETTINGS

    def test_does_not_count_accounts_of_another_organisation(self, alice):
        bob, *_ = houses.person("bob", alice.organisation, at=timezone.now())

        assert find_landing(bob) == SETTINGS

    def test_is_settings_for_a_person_without_an_organisation(self):
        alice = make_user("alice")

        assert find_landing(alice) == SETTINGS

    def test_is_a_page_that_opens(self, alice, her_browser):
        assert her_browser.get(LANDING, follow=True).status_code == 200

    def test_is_for_people_who_are_signed_in(self, client):
        assert client.get(LANDING)["Location"] == f"/accounts/login/?next={LANDING}"


class TestLandingOfStaff:
    @pytest.mark.parametrize(
        ("role", "route"),
        [
            (Role.SUPPORT, "support-console"),
            (Role.REVIEWER, "review"),
            (Role.OPERATOR, "operations"),
        ],
    )
    def test_is_the_page_of_their_role_on_the_staff_site(self, settings, role, route):
        user, *_ = houses.person(role, at=timezone.now())
        User.objects.filter(id=user.id).update(role=role)
        user.refresh_from_db()
        browser = cast.browser(user, mfa=True)
        use_site(settings, ProcessClass.WEB)
        with acting_as(ProcessClass.WEB):
            answer = browser.get(LANDING)

        path = reverse(route, urlconf="config.staff_urls")
        assert answer["Location"] == f"{STAFF_URL}{path}"


class TestSignIn:
    def test_may_redirect_to_the_staff_site(self, client):
        """Chromium applies `form-action` to the redirects of a form."""
        policy = client.get("/accounts/login/")["Content-Security-Policy"]
        (directive,) = [part for part in policy.split("; ") if part.startswith("form-action ")]

        assert settings.STAFF_URL in directive.split()

    def test_leads_to_the_landing_page(self):
        user = make_user("alice", password=PASSWORD)
        answer = Client().post("/accounts/login/", {"login": user.email, "password": PASSWORD})

        assert answer["Location"] == LANDING

    def test_leads_to_the_page_that_was_asked_for(self):
        user = make_user("bob", password=PASSWORD)
        browser = Client()
        first = browser.get(CALENDAR)
        form = {"login": user.email, "password": PASSWORD, "next": CALENDAR}

        assert browser.post(first["Location"], form)["Location"] == CALENDAR

    def test_page_leads_on_if_the_person_is_signed_in(self, her_browser):
        assert her_browser.get("/accounts/login/")["Location"] == LANDING
