"""Refused and missing pages: for whom a page is, who is signed in, and where to go."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import messages
from accounts.models import User
from accounts.roles import PERMISSIONS, STAFF, Role, RolePermission
from config.process_classes import ProcessClass
from tests.api import cast
from tests.integrations import household as houses
from tests.integrations.pages.reading import links, text
from tests.staff_site import use_site
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
#: A page that needs each of these permissions, for whom it is, and the roles without it.
PAGES = {
    RolePermission.READ_EVIDENCE: ("review", "reviewers", Role.REVIEWER),
    RolePermission.READ_OPENED_ITEMS: ("support-console", "support agents", Role.SUPPORT),
    RolePermission.VIEW_OPERATIONS: ("operations", "operators", Role.OPERATOR),
}
#: How a role is called in the texts of refused pages.
WORDS = {Role.SUPPORT: "support agent", Role.REVIEWER: "reviewer", Role.OPERATOR: "operator"}


def make_person(role):
    user, *_ = houses.person(role, at=timezone.now())
    User.objects.filter(id=user.id).update(role=role, name="Robin Reyes")
    user.refresh_from_db()
    return user


class TestAudiences:
    def test_are_named_for_every_permission(self):
        assert messages.AUDIENCES.keys() == set(RolePermission)

    @pytest.mark.parametrize("permission", sorted(set(RolePermission) - {RolePermission.USE_OWN}))
    def test_are_the_roles_that_have_the_permission(self, permission):
        sentence = str(messages.AUDIENCES[permission])
        named = {role for role, word in WORDS.items() if word in sentence}

        assert named == {role for role, allowed in PERMISSIONS.items() if permission in allowed}

    def test_call_each_role_of_staff_as_the_page_calls_its_reader(self):
        assert messages.ROLES.keys() == STAFF
        assert all(WORDS[role] in str(sentence) for role, sentence in messages.ROLES.items())


class TestRefusedPage:
    @pytest.mark.parametrize("permission", PAGES)
    def test_tells_a_member_for_whom_it_is_and_who_is_signed_in(self, permission):
        route, audience, _ = PAGES[permission]
        user = make_person(Role.MEMBER)

        answer = cast.browser(user).get(reverse(route))

        page = text(answer.content.decode())
        assert answer.status_code == 403
        assert f"for Antares {audience}" in page
        assert f"You are signed in as Robin Reyes ({user.email})." in page
        assert "Your role" not in page
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize("permission", PAGES)
    @pytest.mark.parametrize("role", sorted(STAFF))
    def test_leads_staff_of_another_role_to_their_own_pages(self, permission, role):
        route, _, owner = PAGES[permission]
        if role == owner:
            return
        answer = cast.browser(make_person(role), mfa=True).get(reverse(route))

        html = answer.content.decode()
        own_page = next(reverse(page) for page, _, other in PAGES.values() if other == role)
        assert answer.status_code == 403
        assert f"Your role is {WORDS[role]}." in text(html)
        assert links(html).count(own_page) == 2, "in the head and as the way out"

    def test_leads_a_member_to_a_page_that_opens(self):
        browser = cast.browser(make_person(Role.MEMBER))
        html = browser.get(reverse("review")).content.decode()

        assert "/start/" in links(html)
        assert browser.get("/start/", follow=True).status_code == 200

    def test_lets_another_person_sign_in(self):
        browser = cast.browser(make_person(Role.MEMBER))
        html = browser.get(reverse("review")).content.decode()
        assert 'action="/accounts/logout/"' in html
        assert 'name="next" value="/accounts/login/"' in html

        answer = browser.post("/accounts/logout/", {"next": "/accounts/login/"})

        assert answer["Location"] == "/accounts/login/"
        assert "_auth_user_id" not in browser.session


class TestStaffWithoutASecondFactor:
    def test_get_a_page_that_asks_for_it(self):
        browser = cast.browser(make_person(Role.SUPPORT))

        answer = browser.post("/accounts/organisation/", {})

        html = answer.content.decode()
        assert answer.status_code == 403
        assert "need your second factor" in text(html)
        assert links(html).count("/accounts/mfa/") == 2, "in the menu and as the way out"

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/v1/users/me/messages", {}),
            ("/accounts/organisation/", {"Accept": "application/json"}),
        ],
    )
    def test_get_a_problem_document_as_a_program(self, path, headers):
        browser = cast.browser(make_person(Role.SUPPORT))

        answer = browser.post(path, {}, headers=headers)

        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "second-factor-needed"


class TestMissingPage:
    def test_leads_a_visitor_home_and_a_person_to_their_start_page(self, alice, her_browser):
        visitor = Client().get("/no/such/page/")
        person = her_browser.get("/no/such/page/")

        assert visitor.status_code == person.status_code == 404
        assert "Go to the home page" in visitor.text
        assert "/start/" not in links(visitor.text)
        assert "/start/" in links(person.text)
        assert "staff" not in text(person.text)

    def test_tells_staff_at_the_ordinary_site_where_their_pages_are(self, settings):
        browser = cast.browser(make_person(Role.REVIEWER), mfa=True)
        use_site(settings, ProcessClass.WEB)
        with acting_as(ProcessClass.WEB):
            answer = browser.get("/review/")

        assert answer.status_code == 404
        assert "Pages for Antares staff are on the staff site: Review" in text(answer.text)
        assert f"{settings.STAFF_URL}/review/" in links(answer.text)
