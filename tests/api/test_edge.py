"""What a hostile page or a bent request can make a signed-in browser do: nothing."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Delegation, Membership, User
from integrations.models import ConnectAttempt, Connection, Integration, PurgeJob
from tests.api import cast, schema
from tests.database_rows import dump_tables, list_changed_tables
from tests.integrations import household as houses

V1 = "/v1/users/me"
EVIL = "https://evil.example"


def list_form_posts(mine) -> list[tuple[str, dict[str, str]]]:
    """Every form of ours that changes something, as a person would send it."""
    one = {"integration_id": mine.integration}
    return [
        (reverse("settings-sync-now", kwargs=one), {}),
        (reverse("settings-horizon", kwargs=one), {"horizon_days": "30"}),
        (reverse("settings-retry", kwargs=one), {}),
        (reverse("settings-disconnect", kwargs=one), {}),
        (reverse("settings-forget", args=[mine.connection]), {}),
        (reverse("settings-feature", args=["inbox-widget"]), cast.SWITCH_ON),
        (reverse("connect-begin", args=["google"]), {**cast.AGREED, "feature": ""}),
        (reverse("switch_organisation"), {"organisation": mine.user}),
        (reverse("account_logout"), {}),
        (reverse("account_change_password"), {"oldpassword": "x"}),
    ]


def list_changeable_rows() -> list:
    """Everything that those forms could change."""
    models = (Integration, Connection, PurgeJob, Delegation, ConnectAttempt, Membership, User)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.control("3.1.5")
class TestAForeignPage:
    @pytest.mark.claim("csrf.nothing-changed")
    def test_changes_nothing_by_a_post(self, alice, mine):
        browser = cast.browser(alice.user, recent=True, strict=True)
        browser.get("/settings/integrations/")
        before = dump_tables()

        for path, form in list_form_posts(mine):
            for headers in ({}, {"Origin": EVIL}, {"Origin": "null"}):
                answer = browser.post(path, form, headers=headers)
                assert answer.status_code == 403, path
                assert "Nothing was changed." in answer.text

        # Every row of every table. The requests are counted towards the rate of all requests.
        assert list_changed_tables(before) == {"accounts_ratecount"}

    def test_has_no_use_for_a_token_of_another_session(self, alice, bob, mine):
        other = cast.browser(bob.user, strict=True)
        other.get("/settings/integrations/")
        theirs = other.cookies["csrf"].value
        browser = cast.browser(alice.user, recent=True, strict=True)
        before = list_changeable_rows()

        for path, form in list_form_posts(mine):
            answer = browser.post(path, {**form, "csrfmiddlewaretoken": theirs})
            assert answer.status_code == 403, path

        assert list_changeable_rows() == before

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_cannot_write_to_the_api_either(self, alice, method):
        browser = cast.browser(alice.user, strict=True)

        answer = getattr(browser, method)(f"{V1}/messages", headers={"Origin": EVIL})

        schema.problem(answer, 403, "not-permitted")

    def test_lets_our_own_form_through(self, alice, mine):
        browser = cast.browser(alice.user, strict=True)
        browser.get("/settings/integrations/")
        form = {"horizon_days": "30", "csrfmiddlewaretoken": browser.cookies["csrf"].value}

        answer = browser.post(reverse("settings-horizon", args=[mine.integration]), form)

        assert answer.status_code == 302
        assert Integration.objects.get(id=mine.integration).horizon_days == 30


@pytest.mark.control("6.3.1")
class TestAnOrigin:
    @pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost.evil.example", "*"])
    @pytest.mark.parametrize(
        "path",
        [f"{V1}/messages", "/inbox/", "/settings/integrations/", "/openapi.json", "/", "/v1/none"],
    )
    def test_that_is_hostile_is_echoed_nowhere_and_decides_nothing(self, hers, path, origin):
        plain = hers.get(path)
        answer = hers.get(path, headers={"Origin": origin})

        assert answer.status_code == plain.status_code
        for name, value in answer.headers.items():
            assert not name.lower().startswith("access-control-"), name
            assert origin not in value or origin == "*"

    @pytest.mark.parametrize("path", [f"{V1}/messages", "/oauth/token", "/settings/integrations/"])
    def test_gets_no_preflight(self, db, path):
        answer = Client().options(
            path, headers={"Origin": EVIL, "Access-Control-Request-Method": "GET"}
        )

        assert not [one for one in answer.headers if one.lower().startswith("access-control-")]

    def test_of_ours_opens_nothing_to_a_stranger(self, db, settings):
        answer = Client().get(f"{V1}/messages", headers={"Origin": settings.PUBLIC_URL})

        schema.problem(answer, 401, "not-authenticated")


@pytest.mark.control("3.1.2")
class TestExtraFields:
    FIELDS = {
        "user": "x", "user_id": "x", "owner": "x", "organisation_id": "x", "role": "operator",
        "is_staff": "1", "is_superuser": "1", "is_active": "0", "epoch": "9", "status": "purged",
        "granted_scopes": "https://mail.google.com/", "asked_scopes": "https://mail.google.com/",
        "scope": "https://mail.google.com/", "purposes": "marketing", "feature": "campaigns",
        "id": "00000000-0000-7000-8000-000000000001", "connection_id": "x", "left_at": "",
    }  # fmt: skip

    def test_change_nothing_that_decides_access(self, alice, mallory, mine):
        browser = cast.browser(alice.user, recent=True)
        fields = {**self.FIELDS, "user_id": str(mallory.user.id)}

        for path, form in list_form_posts(mine)[:3] + list_form_posts(mine)[5:7]:
            browser.post(path, {**fields, **form})

        person = User.objects.values().get(id=alice.user.id)
        assert (person["role"], person["is_active"]) == ("member", True)
        connection = Connection.objects.get(id=mine.connection)
        assert (connection.user_id, connection.organisation_id, connection.epoch) == (
            alice.user.id, alice.organisation.id, 1,
        )  # fmt: skip
        assert "https://mail.google.com/" not in connection.granted_scopes
        attempt = ConnectAttempt.objects.get()
        assert attempt.user_id == alice.user.id
        assert "https://mail.google.com/" not in attempt.asked_scopes
        assert set(Delegation.objects.values_list("user_id", "feature")) == {
            (alice.user.id, "inbox-widget")
        }
        assert Membership.objects.filter(left_at=None).count() == 2

    @pytest.mark.parametrize("feature", ["campaigns", "inbox-widget", "unknown"])
    def test_of_a_connection_ask_for_no_other_feature(self, alice, mine, feature):
        browser = cast.browser(alice.user, recent=True)

        answer = browser.post(
            reverse("connect-begin", args=["google"]), {**cast.AGREED, "feature": feature}
        )

        assert answer.status_code == 404
        assert not ConnectAttempt.objects.exists()

    def test_of_a_token_request_widen_nothing(self, alice):
        from accounts.models import ServiceToken
        from tests.accounts.cast import EC, Asking, post_form

        asking = Asking(cast.switch_on(alice, cast.widget()), "inbox-widget", "ES256", EC)

        answer = post_form(
            asking.form(purpose="marketing", user_id="x", expires_in="999999", feature="inbox")
        )

        assert answer.status_code == 200
        token = ServiceToken.objects.get()
        assert (token.purpose, token.delegation_id) == ("inbox.display", asking.delegation.id)
        assert (token.expires_at - token.issued_at).total_seconds() == 600


@pytest.mark.control("5.1.1")
class TestTwiceTheSameParameter:
    def test_at_the_callback_is_no_answer(self, hers, alice):
        from urllib.parse import parse_qs, urlsplit

        begun = hers.post(reverse("connect-begin", args=["google"]), cast.AGREED)
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]

        answer = hers.get(f"/connect/google/callback?state={state}&state={state}&code=a&code=b")

        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["Location"] == "/settings/integrations/"
        assert Connection.objects.count() == 1

    def test_on_a_page_shows_nothing_of_somebody_else(self, bob, mine):
        answer = cast.browser(bob.user).get(
            f"/settings/connect/google/?connection={bob.connection.id}&connection={mine.connection}"
        )

        assert answer.status_code == 404


@pytest.mark.control("5.1.2")
class TestARedirect:
    TARGETS = (
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example",
        "javascript:alert(1)", "http:evil.example", "https:/\\evil.example", "///evil.example",
        "/\t/evil.example", "https://localhost.evil.example", "data:text/html,x",
        "https://testserver@evil.example/", " https://evil.example", "\thttps://evil.example",
    )  # fmt: skip

    @pytest.mark.parametrize("target", TARGETS)
    def test_after_signing_in_stays_here(self, alice, target):
        alice.user.set_password("correct-horse-battery")
        alice.user.save()
        form = {"login": alice.user.email, "password": "correct-horse-battery", "next": target}

        answer = Client().post("/accounts/login/", form, query_params={"next": target})

        assert answer.status_code == 302
        check_stays_at_site(answer)

    @pytest.mark.parametrize("target", TARGETS)
    def test_after_switching_organisation_stays_here(self, hers, alice, target):
        form = {"organisation": str(alice.organisation.id), "next": target}

        answer = hers.post(reverse("switch_organisation"), form)

        assert answer.status_code == 303
        check_stays_at_site(answer)

    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("name", ["account_login", "account_logout", "account_reauthenticate"])
    def test_of_any_account_page_stays_here(self, hers, name, target):
        for answer in (
            hers.get(reverse(name), {"next": target}),
            hers.post(reverse(name), {"next": target}, query_params={"next": target}),
        ):
            check_stays_at_site(answer)

    @pytest.mark.parametrize("target", TARGETS)
    def test_of_the_connect_goes_to_the_provider_or_home(self, hers, settings, target):
        begun = hers.post(
            reverse("connect-begin", args=["google"]),
            {**cast.AGREED, "next": target, "redirect_uri": target},
        )
        back = hers.get(
            "/connect/google/callback", {"state": "x", "next": target, "redirect_uri": target}
        )

        assert begun.headers["Location"].startswith(settings.GOOGLE.authorize_url)
        assert "evil.example" not in begun.headers["Location"]
        assert back.headers["Location"] == "/settings/integrations/"

    def test_to_sign_in_keeps_the_address_within(self, db):
        answer = Client().get("//evil.example/inbox/")

        login = "/accounts/login/?next=/inbox/"
        assert (answer.status_code, answer.headers["Location"]) == (302, login)


def check_stays_at_site(answer) -> None:
    """:raises AssertionError: if the answer leads to another origin"""
    target = answer.headers.get("Location", "/")
    assert target.startswith("/"), target
    assert not target.startswith(("//", "/\\")), target
    # A browser takes tabs and line ends out of an address before it looks at it.
    assert not re.search(r"[\x00-\x20]", target), target


@pytest.mark.control("3.1.4")
@pytest.mark.invariant(1)
class TestIdsInABody:
    @pytest.mark.parametrize("owner", ["alice", "nobody"])
    def test_of_somebody_else_are_as_unknown_as_any(self, mallory, alice, mine, owner):
        other = houses.person("zoe", at=timezone.now())[1]
        foreign = {
            "connection": mine.connection,
            "delegation": str(other.id),
            "org": str(alice.organisation.id),
        }
        unknown = dict.fromkeys(foreign, "00000000-0000-7000-8000-000000000001")
        ids = foreign if owner == "alice" else unknown
        browser = cast.browser(mallory.user, recent=True)
        cast.switch_on(alice, cast.widget())
        ids["delegation"] = (
            str(Delegation.objects.get().id) if owner == "alice" else ids["delegation"]
        )
        before = list_changeable_rows()

        answers = [
            browser.post(
                reverse("connect-begin", args=["google"]),
                {**cast.AGREED, "connection": ids["connection"]},
            ).status_code,
            browser.get(
                reverse("settings-connect", args=["google"]), {"connection": ids["connection"]}
            ).status_code,
            browser.post(
                reverse("settings-feature", args=["inbox-widget"]),
                {"switch": "off", "delegation": ids["delegation"]},
            ).status_code,
            browser.post(reverse("switch_organisation"), {"organisation": ids["org"]}).status_code,
        ]

        assert answers == [404, 404, 302, 404]
        assert list_changeable_rows() == before

    @pytest.mark.parametrize("name", ["connection_id", "thread_id"])
    def test_in_a_filter_are_as_unknown_as_any(self, bob, mine, name):
        browser = cast.browser(bob.user)
        foreign = mine.connection if name == "connection_id" else mine.thread

        theirs = schema.check_answer(browser.get(f"{V1}/messages", {name: foreign}))
        unknown = schema.check_answer(
            browser.get(f"{V1}/messages", {name: "00000000-0000-7000-8000-000000000001"})
        )

        assert theirs["data"] == []
        assert theirs | {"request_id": ""} == unknown | {"request_id": ""}
