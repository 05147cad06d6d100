"""
Every caller and refusal, at the API and at a page: the answers are those of `caller_oracle`.

accounts/README.md lists the same cases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from accounts import (
    actors,
    api_tokens,
    clients,
    delegations,
    memberships,
    organisations,
    user_provisioning,
)
from accounts.derived_keys import derive_django_key
from accounts.models import Delegation, Membership, Organisation, ServiceClient, ServiceToken, User
from accounts.models import Session as SessionRow
from accounts.role_permissions import build_permission_class, require_permission
from accounts.roles import Role, RolePermission
from accounts.sessions import SessionStore
from tests.accounts.caller_oracle import Answer, ask_by_session, ask_by_token
from tests.accounts.cast import AT, PASSWORD
from tests.walls import AT_STAFF_SITE

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

README: Final = Path(__file__).parents[2] / "accounts" / "README.md"
API, PAGE = "/who", "/page"


def describe_caller(request: Any) -> dict[str, Any]:
    actor = actors.get_actor(request)
    return {
        "person": actor.user_id,
        "organisation": actor.organisation_id,
        "epoch": actor.membership_epoch or actor.delegation_epoch,
    }


class WhoAmI(APIView):
    permission_classes = [build_permission_class(RolePermission.USE_OWN, clients=True)]

    def get_exception_handler(self):
        # The service's own handler belongs to a package above this one.
        return exception_handler

    def get(self, request):
        return Response(describe_caller(request))


@require_permission(RolePermission.USE_OWN)
def show(request: Any) -> HttpResponse:
    return JsonResponse(describe_caller(request))


urlpatterns = [
    path("who", WhoAmI.as_view()),
    path("page", show),
    path("", include("accounts.urls")),
]


@dataclass
class CallersWorld:
    """Alice in two organisations, a stranger, a session and a token of Alice's."""

    alice: User
    mallory: User
    antares: Organisation
    elsewhere: Organisation
    delegation: Delegation
    widget: ServiceClient
    site: str = "web"
    key: str | None = None
    token: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def sign_in(self, user: User | None = None, **data: Any) -> None:
        browser = Client()
        with override_settings(SITE=self.site):
            browser.force_login(user or self.alice)
            session = browser.session
            session.update(data)
            session.save()
        self.key = session.session_key

    def sign_in_without_factor(self) -> None:
        """Show the password of somebody who has yet to show a second factor."""
        session = SessionStore()
        session["account_login"] = {"user_pk": self.alice.pk.hex}
        session.save()
        self.key = session.session_key

    def take_token(self) -> None:
        self.token = api_tokens.issue_access_token(
            client=self.widget,
            delegation_id=self.delegation.id,
            purpose="inbox.display",
            at=timezone.now(),
        )

    @property
    def row(self) -> Any:
        """The one session's row, as a queryset."""
        return SessionRow.objects.filter(user_id=self.alice.id)

    @property
    def memberships(self) -> Any:
        return Membership.objects.filter(user=self.alice, organisation=self.antares)

    def get(self, path: str) -> Any:
        browser = Client(**({AT_STAFF_SITE: True} if self.site == "staff" else {}))
        if self.key is not None:
            browser.cookies[settings.SESSION_COOKIE_NAME] = self.key
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        with override_settings(**self.settings):
            return browser.get(path, headers=headers)

    def ask_oracle(self) -> Answer | None:
        with override_settings(**self.settings):
            if self.token is not None:
                return ask_by_token(self.token)
            return ask_by_session(self.key, site=self.site)


@pytest.fixture
def world(alice, mallory, elsewhere, delegation, widget) -> CallersWorld:
    return CallersWorld(alice, mallory, delegation.organisation, elsewhere, delegation, widget)


Change = Callable[[CallersWorld], object]


def promote(world: CallersWorld, role: Role) -> None:
    User.objects.filter(id=world.alice.id).update(role=role)


def sign_in_as_staff(world: CallersWorld, *, site: str = "web", mfa: bool = True) -> None:
    world.site = site
    promote(world, Role.SUPPORT)
    methods = [{"method": name, "at": time.time()} for name in ("password", *["mfa"] * mfa)]
    world.sign_in(
        account_authentication_methods=methods,
        account_authentication_methods_user=str(world.alice.pk),
    )


def change_password(world: CallersWorld) -> None:
    user = User.objects.get(id=world.alice.id)
    user.set_password(f"{PASSWORD} another")
    user.save()


def turn_secret(world: CallersWorld, *, keeps_former: bool) -> None:
    former = settings.ROOT_SECRETS if keeps_former else []
    django_keys = [derive_django_key(secret) for secret in ("another", *former)]
    world.settings = {
        "ROOT_SECRETS": ["another", *former],
        "SECRET_KEY": django_keys[0],
        "SECRET_KEY_FALLBACKS": django_keys[1:],
    }


def take_data_of(world: CallersWorld, user: User) -> None:
    """Put the data of somebody else's session into the row of Alice's."""
    other = Client()
    other.force_login(user)
    data = SessionRow.objects.exclude(user_id=world.alice.id).get().session_data
    world.row.update(session_data=data)


def join_elsewhere(world: CallersWorld) -> None:
    memberships.add_member(user_id=world.alice.id, organisation_id=world.elsewhere.id, at=AT)


def sign_in_to_organisation(world: CallersWorld, organisation: Organisation) -> None:
    world.sign_in(organisation_id=str(organisation.id))


def leave_and_come_back(world: CallersWorld) -> None:
    gone = {"user_id": world.alice.id, "organisation_id": world.antares.id}
    memberships.end_membership(**gone, at=timezone.now())
    memberships.add_member(**gone, at=timezone.now())


def end_membership_of_alice(world: CallersWorld) -> None:
    memberships.end_membership(
        user_id=world.alice.id, organisation_id=world.antares.id, at=timezone.now()
    )


def suspend(world: CallersWorld) -> None:
    user_provisioning.deactivate_user(user_id=world.alice.id, at=timezone.now())


def suspend_row(world: CallersWorld) -> None:
    row = User.objects.filter(id=world.alice.id)
    row.update(is_active=False, deactivated_at=timezone.now())


def close_organisation(world: CallersWorld) -> None:
    organisations.close_organisation(organisation_id=world.antares.id, at=timezone.now())


def close_organisation_row(world: CallersWorld) -> None:
    Organisation.objects.filter(id=world.antares.id).update(closed_at=timezone.now())


#: By session: the name of the case, what is done to a signed-in Alice, and whether she is still let
#: in by the API. Those of "at the row alone" leave the session, as a change beside our code would.
BY_SESSION: Final[Mapping[str, tuple[Change, bool]]] = {
    "nothing happened": (lambda _: None, True),
    "no cookie": (lambda w: setattr(w, "key", None), False),
    "unknown key": (lambda w: setattr(w, "key", "x" * 32), False),
    "key of another form": (lambda w: setattr(w, "key", "x"), False),
    "session expired": (lambda w: w.row.update(expire_date=timezone.now()), False),
    "session deleted": (lambda w: w.row.delete(), False),
    "session of the other site": (lambda w: w.row.update(site="staff"), False),
    "data changed": (lambda w: w.row.update(session_data="e30:1abcde:x"), False),
    "data of somebody else's session": (lambda w: take_data_of(w, w.mallory), False),
    "row names somebody else": (lambda w: w.row.update(user_id=w.mallory.id), True),
    "row names nobody": (lambda w: w.row.update(user_id=None), True),
    "unknown backend in the data": (lambda w: w.sign_in(_auth_user_backend="x.Y"), False),
    "password shown, second factor not yet": (
        CallersWorld.sign_in_without_factor, False,
    ),
    "password changed": (change_password, False),
    "secret turned, former one kept": (partial(turn_secret, keeps_former=True), True),
    "secret turned, former one gone": (partial(turn_secret, keeps_former=False), False),
    "suspended": (suspend, False),
    "suspended, at the row alone": (suspend_row, False),
    "left": (end_membership_of_alice, False),
    "left, at the row alone": (lambda w: w.memberships.update(left_at=timezone.now()), True),
    "left and came back, signed in again": (
        lambda w: (leave_and_come_back(w), w.sign_in()), True,
    ),
    "epoch raised": (lambda w: w.memberships.update(epoch=7), True),
    "organisation closed": (close_organisation, False),
    "organisation closed, at the row alone": (close_organisation_row, True),
    "two organisations": (join_elsewhere, True),
    "two organisations, the second chosen": (
        lambda w: (join_elsewhere(w), sign_in_to_organisation(w, w.elsewhere)), True,
    ),
    "chosen organisation is not theirs": (lambda w: sign_in_to_organisation(w, w.elsewhere), True),
    "chosen organisation was left": (
        lambda w: (
            join_elsewhere(w),
            sign_in_to_organisation(w, w.antares),
            w.memberships.update(left_at=timezone.now()),
        ),
        True,
    ),
    "staff without second factor": (partial(sign_in_as_staff, mfa=False), False),
    "staff with second factor": (sign_in_as_staff, True),
    "staff site, with second factor": (partial(sign_in_as_staff, site="staff"), True),
    "staff site, without second factor": (
        partial(sign_in_as_staff, site="staff", mfa=False), False,
    ),
    "staff site, member now": (
        lambda w: (sign_in_as_staff(w, site="staff"), promote(w, Role.MEMBER)), False,
    ),
    "staff site, suspended, at the row alone": (
        lambda w: (sign_in_as_staff(w, site="staff"), suspend_row(w)), False,
    ),
    "staff site, session of the ordinary site": (
        lambda w: (sign_in_as_staff(w), setattr(w, "site", "staff")), False,
    ),
}  # fmt: skip

#: By token, likewise.
BY_TOKEN: Final[Mapping[str, tuple[Change, bool]]] = {
    "nothing happened": (lambda _: None, True),
    "unknown token": (lambda w: setattr(w, "token", "x" * 43), False),
    "token expired": (lambda _: ServiceToken.objects.update(expires_at=timezone.now()), False),
    "token deleted": (lambda _: ServiceToken.objects.all().delete(), False),
    "secret turned, former one kept": (partial(turn_secret, keeps_former=True), True),
    "secret turned, former one gone": (partial(turn_secret, keeps_former=False), False),
    "client retired": (
        lambda w: clients.retire_service_client(client_id=w.widget.client_id, at=timezone.now()),
        False,
    ),
    "client retired, at the row alone": (
        lambda _: ServiceClient.objects.update(retired_at=timezone.now()), False,
    ),
    "delegation off": (
        lambda w: delegations.switch_delegation_off(
            delegation_id=w.delegation.id, user_id=w.alice.id, at=timezone.now()
        ),
        False,
    ),
    "delegation off, at the row alone": (
        lambda _: Delegation.objects.update(switched_off_at=timezone.now()), False,
    ),
    "delegation of another epoch": (lambda _: Delegation.objects.update(epoch=2), False),
    "delegation in another organisation": (
        lambda w: Delegation.objects.update(organisation=w.elsewhere), False,
    ),
    "delegation of somebody else, elsewhere": (
        lambda w: Delegation.objects.update(user=w.mallory, organisation=w.elsewhere), True,
    ),
    "suspended": (suspend, False),
    "suspended, at the row alone": (suspend_row, False),
    "left": (end_membership_of_alice, False),
    "left, at the row alone": (lambda w: w.memberships.update(left_at=timezone.now()), False),
    "left and came back": (leave_and_come_back, False),
    "came back, at the rows alone": (
        lambda w: (
            w.memberships.update(left_at=timezone.now()),
            memberships.add_member(
                user_id=w.alice.id, organisation_id=w.antares.id, at=timezone.now()
            ),
        ),
        True,
    ),
    "organisation closed": (close_organisation, False),
    "organisation closed, at the row alone": (close_organisation_row, False),
    "of staff": (lambda w: promote(w, Role.SUPPORT), True),
    "beside a session": (lambda w: w.sign_in(), True),
    "not valid, beside a session": (
        lambda w: (w.sign_in(), setattr(w, "token", "x" * 43)), False,
    ),
}  # fmt: skip


def get_expected_answer(
    answer: Answer | None, where: str, *, by_token: bool
) -> tuple[int, dict[str, Any]]:
    """Return status and body that a view gives to this caller."""
    if by_token and where == PAGE:
        # A page reads no token.
        return 302, {}
    if answer is None:
        return (302 if where == PAGE else 401), {}
    if answer.is_staff and not answer.has_second_factor:
        return (302 if where == PAGE else 403), {}
    body = {"person": answer.person, "organisation": answer.organisation, "epoch": answer.epoch}
    return 200, {name: value if value is None else str(value) for name, value in body.items()}


def read_answer(response: Any) -> tuple[int, dict[str, Any]]:
    if response.status_code != 200:
        return response.status_code, {}
    body = response.json()
    return 200, {name: value if value is None else str(value) for name, value in body.items()}


@pytest.mark.control("3.1.2")
@pytest.mark.control("2.2.2")
class TestACallerByASession:
    @pytest.mark.parametrize("where", [API, PAGE])
    @pytest.mark.parametrize("case", BY_SESSION)
    def test_is_answered_at_the_next_request_as_the_oracle_says(self, world, case, where):
        change, is_let_in = BY_SESSION[case]
        world.sign_in()
        assert world.get(where).status_code == 200
        change(world)

        expected = get_expected_answer(world.ask_oracle(), where, by_token=False)
        found = read_answer(world.get(where))

        assert found == expected
        assert (found[0] == 200) is is_let_in


@pytest.mark.invariant(5)
class TestACallerByAToken:
    @pytest.mark.parametrize("where", [API, PAGE])
    @pytest.mark.parametrize("case", BY_TOKEN)
    def test_is_answered_at_the_next_request_as_the_oracle_says(self, world, case, where):
        change, is_let_in = BY_TOKEN[case]
        world.take_token()
        assert world.get(API).status_code == 200
        change(world)
        if where == PAGE:
            # By a token alone: a session beside it has tests of its own.
            world.key = None

        found = read_answer(world.get(where))

        assert found == get_expected_answer(world.ask_oracle(), where, by_token=True)
        assert (found[0] == 200) is (is_let_in and where == API)


class TestStatements:
    """`SELECT set_config` of `tests.walls` is that of the test, which no request has."""

    @staticmethod
    def of(world: CallersWorld, path: str) -> list[str]:
        with time_machine.travel(timezone.now(), tick=False):
            # The first request of a day, or of a client's minute, writes that there was one.
            assert world.get(path).status_code == 200
            with CaptureQueriesContext(connection) as captured:
                assert world.get(path).status_code == 200
        return [
            query["sql"]
            for query in captured
            if not query["sql"].startswith(("SELECT set_config('role'", "SELECT current_setting"))
        ]

    @pytest.mark.parametrize(("path", "more"), [(API, 0), (PAGE, 1)])
    def test_to_find_a_session_are_one(self, world, path, more):
        """A page counts the request as well; the view of this test does not."""
        join_elsewhere(world)
        world.sign_in()

        found, *others = self.of(world, path)

        assert found.startswith("SELECT * FROM find_web_session(")
        assert len(others) == more
        assert all("count_rate(" in statement for statement in others)

    def test_to_find_a_token_are_one(self, world):
        """It says as well whether this client touched the data of this person in this minute."""
        world.take_token()

        (found,) = self.of(world, API)

        assert found.startswith("SELECT * FROM find_service_token(")

    def test_of_a_page_read_the_membership_once(self, world):
        """The skeleton of all pages shows the organisation, and the others to choose from."""
        join_elsewhere(world)
        world.sign_in()

        statements = self.of(world, "/accounts/password/change/")

        assert not any("accounts_membership" in statement for statement in statements)
        assert sum("find_web_session" in statement for statement in statements) == 1

    def test_without_a_cookie_find_nobody(self, world):
        with CaptureQueriesContext(connection) as captured:
            assert world.get(API).status_code == 401

        assert not any("find_" in query["sql"] for query in captured)


def test_the_readme_lists_the_cases_and_no_others():
    rows = {
        f"| {by} | {name} | {'answered' if is_let_in else 'refused'} |"
        for by, cases in (("session", BY_SESSION), ("token", BY_TOKEN))
        for name, (_, is_let_in) in cases.items()
    }
    listed = README.read_text(encoding="utf-8").splitlines()

    assert {line for line in listed if line.startswith(("| session |", "| token |"))} == rows
