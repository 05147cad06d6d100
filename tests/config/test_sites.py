"""The two sites: which routes, cookies and sessions each has, and who signs in to that of staff."""

from __future__ import annotations

import importlib
import re

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client, override_settings
from django.urls import get_resolver, reverse

from accounts.demo_people import add_second_factor
from accounts.forbidden_page import show_forbidden_page
from accounts.models import Session, User
from accounts.roles import STAFF as STAFF_ROLES
from accounts.roles import Role
from accounts.templatetags import site_urls
from config.environment import Environment, InvalidSettings
from config.process_classes import ProcessClass
from config.sites import choose_site, read_staff_url
from integrations.support.console.site_links import STAFF_PAGES
from tests import factories, routes
from tests.addresses import address_of
from tests.api import cast
from tests.browser.factor import code
from tests.staff_site import STAFF_URL, ordinary_site, settings_of, staff_site, use_site
from tests.test_routes import METHODS, names, plain
from tests.walls import acting_as

__all__ = ["ordinary_site", "staff_site"]

PASSWORD = "correct horse battery"
WEB, STAFF = ProcessClass.WEB, ProcessClass.STAFF
NOWHERE = "/no/such/address/"
# What staff need beside their pages.
SIGNING_IN = {
    "account_login", "account_logout", "account_inactive", "account_reauthenticate",
    "account_sign_in_link", "account_open_sign_in_link",
}  # fmt: skip
HEALTH = {"alive", "ready"}


def names_of(process_class):
    """Return the names of the routes that a class serves."""
    from tests.config.test_route_limits import names_of as names_in

    urlconf = choose_site(process_class, public_url="", staff_url="").urlconf
    return names_in(importlib.import_module(urlconf).urlpatterns)


def of_staff():
    """Return the routes that `tests/routes.py` declares for a role of staff."""
    return {name for name, kind in routes.ROUTES.items() if kind.roles.keys() & STAFF_ROLES}


def addresses_beside(process_class):
    """Return the addresses of the routes that the other site alone has."""
    return [address_of(name) for name in sorted(set(names()) - names_of(process_class))]


def member_of_staff(role=Role.SUPPORT):
    """Return a person of that role with a password and an authenticator app, and its secret."""
    home = factories.make_organisation()
    user = factories.make_user("sam", role=role, organisation=home, password=PASSWORD)
    return user, add_second_factor(user)


def sign_in(user, *, password=PASSWORD, secret=None):
    """Sign in through the pages, and return the client and the last answer."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": password})
    if secret and answer.status_code == 302:
        answer = client.post(answer.headers["Location"], {"code": code(secret)})
    return client, answer


class TestStaffUrl:
    @staticmethod
    def read(value):
        env = Environment({"STAFF_URL": value})
        found = read_staff_url(env, production=True, public_url="https://antares.example")
        env.raise_problems()
        return found

    @pytest.mark.parametrize(
        "value", ["https://staff.antares.example/", "https://antares.example:8443"]
    )
    def test_is_another_host_or_another_port(self, value):
        assert self.read(value) == value.rstrip("/")

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "https://",
            "http://staff.antares.example",
            "https://antares.example",
            "https://ANTARES.example:443/",
            "https://antares.example.",
            "https://sam@staff.antares.example",
            "https://staff.antares.example/staff",
            "https://staff.antares.example?a=b",
            "https://staff.antares.example:port",
            # The hosts that the site answers to are this one.
            "https://*",
            "https://*.antares.example",
            "https://.example",
            "https://staff antares.example",
        ],
    )
    def test_is_refused_if_it_is_anything_else(self, value):
        with pytest.raises(InvalidSettings, match="STAFF_URL"):
            self.read(value)


class TestRoutes:
    @pytest.mark.control("3.1.1")
    def test_of_staff_are_at_the_staff_site_alone(self):
        assert of_staff()
        assert of_staff() <= names_of(STAFF)
        assert not of_staff() & names_of(WEB)

    def test_of_the_staff_site_are_theirs_and_those_for_signing_in(self):
        factors = {name for name in names_of(STAFF) if name.startswith("mfa_")}

        assert factors
        assert names_of(STAFF) == of_staff() | SIGNING_IN | factors | HEALTH | {"home"}

    @pytest.mark.parametrize(
        "urlconf",
        [
            "config.urls",
            "config.web_urls",
            "config.staff_urls",
            "config.embedded.demo_site.web_urls",
            "config.embedded.demo_site.staff_urls",
        ],
    )
    def test_say_for_whom_a_refused_page_is(self, urlconf):
        handler = get_resolver(urlconf).resolve_error_handler(403)

        assert handler is show_forbidden_page

    def test_are_linked_from_the_head_and_the_foot_of_each_page_of_their_site(self):
        for process_class in (WEB, STAFF):
            urlconf = choose_site(process_class, public_url="", staff_url="").urlconf
            with override_settings(ROOT_URLCONF=urlconf):
                urls = site_urls.site_urls()
                linked = {name for name, route in site_urls.ROUTES.items() if urls[name]}
                served = {
                    name
                    for name, route in site_urls.ROUTES.items()
                    if route in names_of(process_class)
                }
                assert linked == served
                assert all(urls[name] == reverse(site_urls.ROUTES[name]) for name in linked)

    def test_are_all_at_one_site_or_both(self):
        assert names_of(WEB) | names_of(STAFF) == set(names())

    def test_have_a_first_page_for_each_role(self):
        assert set(STAFF_PAGES) == STAFF_ROLES
        assert {route for _, route in STAFF_PAGES.values()} <= of_staff()


@pytest.mark.django_db
@pytest.mark.control("3.1.1")
class TestTheOtherSite:
    """Its addresses are answered as any address that no route has."""

    @pytest.mark.parametrize("process_class", [WEB, STAFF])
    @pytest.mark.parametrize("role", ["nobody", Role.SUPPORT])
    def test_is_not_there(self, settings, process_class, role):
        with override_settings(SITE=choose_site(process_class, public_url="", staff_url="").name):
            client = Client()
            if role != "nobody":
                client = cast.browser(factories.make_user("sam", role=role), mfa=True)
        paths = addresses_beside(process_class)
        use_site(settings, process_class)
        settings.SESSION_COOKIE_NAME = "session"
        methods = METHODS if process_class is WEB else ("GET", "POST")
        with acting_as(process_class):
            nowhere = {method: client.generic(method, NOWHERE) for method in methods}
            wrong = [
                f"{method} {path}: {answer.status_code}"
                for path in paths
                for method in methods
                for answer in [client.generic(method, path)]
                # The page of such an answer does not name the address.
                if plain(answer, "") != plain(nowhere[method], "")
            ]

        assert paths
        assert {answer.status_code for answer in nowhere.values()} == {404}
        assert wrong == []


class TestAtTheStaffSite:
    @pytest.mark.parametrize("role", sorted(STAFF_ROLES))
    @pytest.mark.control("3.3.1")
    def test_staff_sign_in_with_a_second_factor_and_are_led_to_their_pages(
        self, db, settings, role
    ):
        user, secret = member_of_staff(role)
        use_site(settings, STAFF)
        with acting_as(STAFF):
            client, answer = sign_in(user, secret=secret)
            first = client.get(answer.headers["Location"])

            assert answer.headers["Location"] == "/"
            assert first.headers["Location"] == reverse(STAFF_PAGES[role][1])
            assert client.get(first.headers["Location"]).status_code == 200
            assert client.cookies["staff-session"].value
            assert "session" not in client.cookies

    @pytest.mark.control("3.3.1")
    def test_a_password_alone_opens_nothing(self, db, settings):
        user = factories.make_user("sam", role=Role.SUPPORT, password=PASSWORD)
        use_site(settings, STAFF)
        with acting_as(STAFF):
            client, _ = sign_in(user)

            assert client.get("/support/items/").headers["Location"] == "/accounts/mfa/"
            # Setting one up asks for the password once more, and is there.
            setting_up = client.get("/accounts/mfa/totp/activate/")
            assert setting_up.headers["Location"].startswith("/accounts/reauthenticate/")
            client.post(setting_up.headers["Location"], {"password": PASSWORD})
            page = client.get("/accounts/mfa/totp/activate/")
            assert page.status_code == 200
            secret = page.context["form"].secret
            client.post("/accounts/mfa/totp/activate/", {"code": code(secret)})

        assert user.authenticator_set.filter(type="totp").exists()

    def test_takes_no_time_zone_from_the_browser(self, db, settings):
        user, secret = member_of_staff()
        use_site(settings, STAFF)
        with acting_as(STAFF):
            client, _ = sign_in(user)
            form = {"code": code(secret), "time_zone": "Europe/Paris"}
            answer = client.post("/accounts/mfa/authenticate/", form)

        assert answer.headers["Location"] == "/"
        user.refresh_from_db()
        assert (user.time_zone, user.date_format) == ("", "")

    @pytest.mark.control("3.3.1")
    def test_staff_change_no_factor_at_the_ordinary_site(self, db, settings):
        user, secret = member_of_staff()
        factors = list(user.authenticator_set.order_by("id").values())
        use_site(settings, ProcessClass.WEB)
        with acting_as(ProcessClass.WEB):
            client, _ = sign_in(user, secret=secret)
            page = client.get("/accounts/mfa/").content.decode()
            for path in ("totp/activate/", "totp/deactivate/", "webauthn/", "webauthn/add/"):
                for answer in (
                    client.get(f"/accounts/mfa/{path}"),
                    client.post(f"/accounts/mfa/{path}"),
                ):
                    assert answer.headers["Location"] == "/accounts/mfa/", path

        assert f'href="{settings.STAFF_URL}/accounts/mfa/"' in page
        assert "Deactivate" not in page
        # But for when the code was used.
        for before, after in zip(
            factors, user.authenticator_set.order_by("id").values(), strict=True
        ):
            assert before | {"last_used_at": None} == after | {"last_used_at": None}

    def test_staff_use_up_a_recovery_code_at_the_ordinary_site(self, db, settings):
        user, _ = member_of_staff()
        recovery_code, *_ = RecoveryCodes.activate(user).get_unused_codes()
        use_site(settings, WEB)
        with acting_as(WEB):
            for is_signed_in in (True, False):
                client, _ = sign_in(user)
                client.post("/accounts/mfa/authenticate/", {"code": recovery_code})

                assert ("_auth_user_id" in client.session) == is_signed_in

    def test_everybody_else_is_answered_as_with_a_wrong_password(self, db, settings):
        user = factories.make_user("alice", password=PASSWORD)
        use_site(settings, STAFF)
        with acting_as(STAFF):
            (_, right), (_, wrong) = sign_in(user), sign_in(user, password="wrong horse battery")

        assert right.status_code == wrong.status_code == 200
        assert right.context["form"].errors == wrong.context["form"].errors != {}
        assert not Session.objects.exists()

    def test_the_head_leads_to_their_pages_first_then_to_their_mailbox(self, db, settings):
        user, secret = member_of_staff()
        use_site(settings, STAFF)
        with acting_as(STAFF):
            client, _ = sign_in(user, secret=secret)
            page = client.get("/support/items/").content.decode()

        [nav] = re.findall(r'<nav class="site-nav".*?</nav>', page, re.DOTALL)
        assert re.findall(r'href="([^"]+)"', nav) == ["/support/", f"{settings.PUBLIC_URL}/"]

    def test_signing_out_leaves_the_cookies_of_the_other_site(self, db, settings):
        user, secret = member_of_staff()
        use_site(settings, STAFF)
        with acting_as(STAFF):
            client, _ = sign_in(user, secret=secret)
            before = client.cookies["staff-session"].value
            client.cookies["session"] = "of-the-ordinary-site"
            answer = client.post("/accounts/logout/")

        # What says that they have signed out is in a new session.
        assert answer.cookies["staff-session"].value != before
        assert not answer.cookies["staff-csrf"].value
        assert "session" not in answer.cookies

    def test_the_page_of_signing_in_names_the_ordinary_site(self, staff_site, settings):
        page = Client().get("/accounts/login/").content.decode()

        assert "This site is for Antares staff" in page
        assert f'href="{settings.PUBLIC_URL}"' in page

    def test_health_is_answered(self, staff_site):
        assert Client().get("/healthz").status_code == 200
        # No worker runs here.
        assert Client().get("/readyz").status_code == 503


class TestAtTheOrdinarySite:
    def test_staff_use_their_own_mailbox_with_a_second_factor(self, db, settings):
        user, secret = member_of_staff()
        use_site(settings, WEB)
        with acting_as(WEB):
            client, _ = sign_in(user, secret=secret)

            assert client.get("/inbox/").status_code == 200
            assert "staff-session" not in client.cookies

    @pytest.mark.parametrize("role", sorted(STAFF_ROLES))
    def test_a_link_leads_staff_to_the_address_of_their_site(self, db, settings, role):
        user = factories.make_user("sam", role=role)
        use_site(settings, WEB)
        client = cast.browser(user, mfa=True)
        with acting_as(WEB):
            page = client.get("/inbox/").content.decode()

        path = reverse(STAFF_PAGES[role][1], urlconf="config.staff_urls")
        assert f'href="{STAFF_URL}{path}"' in page

    def test_no_link_leads_anybody_else_there(self, db, settings):
        use_site(settings, WEB)
        client = cast.browser(factories.make_user("alice"))
        with acting_as(WEB):
            assert STAFF_URL not in client.get("/inbox/").content.decode()


class TestASession:
    @pytest.mark.parametrize(("begun_at", "shown_at"), [(WEB, STAFF), (STAFF, WEB)])
    def test_is_worth_nothing_at_the_other_site(self, db, settings, begun_at, shown_at):
        user, _ = member_of_staff()
        with override_settings(SITE=str(begun_at)):
            key = cast.browser(user, mfa=True).cookies[settings.SESSION_COOKIE_NAME].value
        use_site(settings, shown_at)
        for process_class in (shown_at, None):
            client = Client()
            client.cookies[settings.SESSION_COOKIE_NAME] = key
            path = "/support/items/" if shown_at is STAFF else "/inbox/"
            if process_class is None:
                # Without the wall in the database as well.
                answer = client.get(path)
            else:
                with acting_as(process_class):
                    answer = client.get(path)
            assert answer.headers["Location"].startswith("/accounts/login/")

    @pytest.mark.control("2.2.2")
    def test_of_staff_ends_with_a_new_password_at_the_ordinary_site(self, db, settings):
        user, secret = member_of_staff()
        with override_settings(**settings_of(STAFF)), acting_as(STAFF):
            client, _ = sign_in(user, secret=secret)
            assert client.get("/support/items/").status_code == 200
        user = User.objects.get(id=user.id)
        user.set_password("another horse battery")
        user.save(update_fields=["password"])

        with override_settings(**settings_of(STAFF)), acting_as(STAFF):
            answer = client.get("/support/items/")
        assert answer.headers["Location"].startswith("/accounts/login/")
