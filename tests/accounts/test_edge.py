"""How a request becomes an actor, and what a view may rely on before it runs."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from accounts import (
    actors,
    api_tokens,
    current_organisation,
    delegations,
    demo_people,
    memberships,
    user_provisioning,
)
from accounts.models import Alarm, ServiceClient, UserMinute
from accounts.reauthentication import require_recent_confirmation, take_confirmed_download
from accounts.role_permissions import build_permission_class, require_permission
from accounts.roles import Role, RolePermission
from tests.accounts.cast import AT, PASSWORD, person, sign_in, totp_code
from tests.api import cast

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class View(APIView):
    def get_exception_handler(self):
        # The service's own handler belongs to a package above this one.
        return exception_handler


class WhoAmI(View):
    permission_classes = [build_permission_class(RolePermission.USE_OWN, clients=True)]

    def get(self, request):
        actor = actors.get_actor(request)
        return Response(
            {
                "kind": actor.kind,
                "id": actor.id,
                "purpose": actor.purpose,
                "user": actor.user_id,
                "organisation": actor.organisation_id,
                "delegation": actor.delegation_id,
                "epoch": actor.membership_epoch,
            }
        )

    def post(self, request):
        return Response({}, status=201)


class PeopleOnly(WhoAmI):
    permission_classes = [build_permission_class(RolePermission.USE_OWN)]


class Undeclared(View):
    def get(self, request):
        return Response({"secret": True})


class Broken(View):
    class Failing(build_permission_class(RolePermission.USE_OWN)):
        def has_permission(self, request, view):
            raise RuntimeError

    permission_classes = [Failing]
    ran = False

    def get(self, request):
        Broken.ran = True
        return Response({"secret": True})


@require_permission(RolePermission.VIEW_OPERATIONS)
def operations(request):
    return HttpResponse("operations")


@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation("Remove the account")
def sensitive(request):
    return HttpResponse("done" if request.method == "POST" else "explained")


@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation("Download a copy", is_download=True)
def download(request):
    if request.method == "POST":
        return HttpResponse("file")
    return HttpResponse("starts" if take_confirmed_download(request) else "explained")


urlpatterns = [
    path("who", WhoAmI.as_view()),
    path("people", PeopleOnly.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("broken", Broken.as_view()),
    path("operations", operations),
    path("start", operations, name="landing"),
    path("sensitive", sensitive),
    path("download", download),
    path("", include("accounts.urls")),
]
handler403 = "accounts.forbidden_page.show_forbidden_page"


@pytest.fixture
def token(widget, delegation):
    with time_machine.travel(AT, tick=False):
        yield api_tokens.issue_access_token(
            client=widget, delegation_id=delegation.id, purpose="inbox.display", at=AT
        )


def call_with_token(token: str, where: str = "/who"):
    return Client().get(where, headers={"Authorization": f"Bearer {token}"})


class TestActorOf:
    def test_finds_the_person_their_organisation_and_epoch(self, alice, antares):
        body = sign_in(alice).get("/who").json()

        assert (body["kind"], body["user"], body["organisation"], body["epoch"]) == (
            "person",
            str(alice.id),
            str(antares.id),
            1,
        )

    @pytest.mark.invariant(1)
    def test_finds_the_client_and_for_whom_it_acts(self, token, widget, delegation, alice):
        body = call_with_token(token).json()

        assert (body["kind"], body["id"], body["purpose"]) == (
            "client",
            str(widget.id),
            "inbox.display",
        )
        assert (body["user"], body["delegation"]) == (str(alice.id), str(delegation.id))

    def test_finds_nobody_where_nobody_signed_in(self):
        request = RequestFactory().get("/")
        request.user = AnonymousUser()

        with pytest.raises(actors.NoActor):
            actors.get_actor(request)

    def test_takes_no_word_of_the_request_for_it(self, alice, mallory, elsewhere):
        browser = sign_in(alice)

        body = browser.get(
            f"/who?organisation={elsewhere.id}&user={mallory.id}",
            headers={"X-Purpose": "marketing", "X-User": str(mallory.id)},
        ).json()

        assert (body["user"], body["purpose"]) == (str(alice.id), None)


class TestTheCurrentOrganisation:
    def test_is_the_first_joined_until_switched(self, alice, antares, elsewhere):
        memberships.add_member(user_id=alice.id, organisation_id=elsewhere.id, at=AT)
        browser = sign_in(alice)
        before = browser.get("/who").json()["organisation"]

        browser.post("/accounts/organisation/", {"organisation": str(elsewhere.id)})

        assert before == str(antares.id)
        assert browser.get("/who").json()["organisation"] == str(elsewhere.id)

    @pytest.mark.control("3.1.2")
    @pytest.mark.control("3.1.4")
    @pytest.mark.parametrize("chosen", ["foreign", "not-a-uuid", "", "\0"])
    def test_is_never_one_they_do_not_belong_to(self, alice, antares, elsewhere, chosen):
        browser = sign_in(alice)
        organisation = str(elsewhere.id) if chosen == "foreign" else chosen

        answer = browser.post("/accounts/organisation/", {"organisation": organisation})

        assert answer.status_code == 404
        assert browser.get("/who").json()["organisation"] == str(antares.id)

    def test_is_not_taken_from_a_planted_session(self, alice, antares, elsewhere):
        browser = sign_in(alice)
        session = browser.session
        session[current_organisation.SESSION_FIELD] = str(elsewhere.id)
        session.save()

        assert browser.get("/who").json()["organisation"] == str(antares.id)

    def test_switches_by_post_only(self, alice):
        assert sign_in(alice).get("/accounts/organisation/").status_code == 405


class TestServiceTokens:
    @pytest.mark.invariant(5)
    def test_are_refused_at_the_call_after_switching_off(self, token, delegation, alice):
        assert call_with_token(token).status_code == 200

        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)

        answer = call_with_token(token)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="antares"')

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Token x", "", "Bearer é"]
    )
    def test_are_refused_in_any_other_shape(self, header):
        answer = Client().get("/who", headers={"Authorization": header})

        assert answer.status_code == 401

    def test_do_not_fall_back_to_the_session(self, alice):
        answer = sign_in(alice).get("/who", headers={"Authorization": "Bearer nonsense"})

        assert answer.status_code == 401

    def test_are_refused_where_only_people_may(self, token):
        assert call_with_token(token, "/people").status_code == 403

    @pytest.mark.control("2.1.1")
    @pytest.mark.parametrize("name", ["access_token", "token", "Authorization"])
    def test_are_not_taken_from_the_address(self, token, name):
        assert Client().get(f"/who?{name}={token}").status_code == 401

    def test_do_not_give_the_client_its_persons_role(self, widget, antares):
        otto = person("otto", Role.OPERATOR)
        memberships.add_member(user_id=otto.id, organisation_id=antares.id, at=AT)
        demo_people.add_second_factor(otto)
        with time_machine.travel(AT, tick=False):
            theirs = delegations.switch_delegation_on(
                user_id=otto.id,
                organisation_id=antares.id,
                feature="inbox-widget",
                feature_version=1,
                at=AT,
            )
            minted = api_tokens.issue_access_token(
                client=widget, delegation_id=theirs.id, purpose="inbox.display", at=AT
            )

            assert call_with_token(minted, "/people").status_code == 403

    def test_are_counted_where_they_are_used(self, token, alice):
        UserMinute.objects.all().delete()

        call_with_token(token)

        assert UserMinute.objects.get().user_id == alice.id

    def test_answer_429_and_keep_the_alarm_past_the_limit(self, token):
        UserMinute.objects.all().delete()
        ServiceClient.objects.update(users_per_minute=1)
        UserMinute.objects.create(
            client=ServiceClient.objects.get(),
            user=person("bob"),
            minute_at=AT.replace(second=0),
        )

        answer = call_with_token(token)

        assert answer.status_code == 429
        assert Alarm.objects.count() == 1


class TestPermissions:
    @pytest.mark.control("3.1.1")
    @pytest.mark.control("3.1.3")
    def test_deny_what_a_view_forgot_to_declare(self, alice):
        assert sign_in(alice).get("/undeclared").status_code == 403

    @pytest.mark.control("3.1.3")
    def test_give_nothing_when_the_check_itself_fails(self, alice):
        browser = sign_in(alice)
        browser.raise_request_exception = False

        answer = browser.get("/broken")

        assert answer.status_code == 500
        assert b"secret" not in answer.content
        assert not Broken.ran

    @pytest.mark.control("3.1.5")
    def test_need_the_csrf_token_with_a_session(self, alice):
        browser = Client(enforce_csrf_checks=True)
        browser.cookies = sign_in(alice).cookies

        assert browser.post("/who", {}, "application/json").status_code == 403

    def test_ask_strangers_to_sign_in(self, client):
        assert client.get("/who").status_code == 401
        assert client.get("/operations")["Location"] == "/accounts/login/?next=/operations"

    def test_refuse_a_page_to_a_member(self, alice):
        assert sign_in(alice).get("/operations").status_code == 403

    @pytest.mark.control("3.3.1")
    def test_open_a_page_of_staff_with_a_second_factor(self, db):
        otto = person("otto", Role.OPERATOR)
        secret = demo_people.add_second_factor(otto)
        browser = sign_in(otto)
        assert browser.get("/operations").status_code == 302

        browser.post("/accounts/mfa/authenticate/", {"code": totp_code(secret)})

        assert browser.get("/operations").content == b"operations"

    @pytest.mark.control("3.1.2")
    @pytest.mark.parametrize("field", ["role", "is_active", "organisation_id", "user_id"])
    def test_do_not_move_with_posted_attributes(self, alice, field):
        browser = sign_in(alice)

        browser.post("/accounts/password/change/", {field: "operator"})
        browser.post("/accounts/organisation/", {field: "operator"})

        alice.refresh_from_db()
        assert (alice.role, alice.is_active) == (Role.MEMBER, True)


class TestSensitivePages:
    @pytest.mark.control("2.4.1")
    def test_send_the_anonymous_to_sign_in(self, client):
        assert client.post("/sensitive")["Location"].startswith("/accounts/login/")

    @pytest.mark.control("2.4.1")
    def test_ask_again_and_then_run(self, alice):
        browser = sign_in(alice)
        asked = browser.post("/sensitive")
        assert asked["Location"] == "/accounts/reauthenticate/?next=%2Fsensitive"

        answer = browser.post(asked["Location"], {"password": PASSWORD, "next": "/sensitive"})

        assert answer.content == b"done"

    def test_explain_themselves_before_they_ask_and_are_named_where_they_ask(self, alice):
        browser = sign_in(alice)

        explained = browser.get("/sensitive")
        asked = browser.get(browser.post("/sensitive")["Location"])
        again = browser.post("/accounts/reauthenticate/", {"password": "no", "next": "/sensitive"})

        assert explained.content == b"explained"
        assert "Remove the account" in asked.text
        assert "Remove the account" in again.text
        other = browser.get("/accounts/reauthenticate/?next=/who")
        assert "To continue with" not in other.text

    def test_go_back_to_their_page_for_a_download_that_waited(self, alice):
        browser = sign_in(alice)
        asked = browser.post("/download")

        answer = browser.post(asked["Location"], {"password": PASSWORD, "next": "/download"})

        assert answer["Location"] == "/download"
        assert browser.get("/download").content == b"starts"
        assert browser.get("/download").content == b"explained"
        assert browser.post("/download").content == b"file"

    @pytest.mark.control("2.4.1")
    def test_do_not_run_on_a_wrong_password(self, alice):
        browser = sign_in(alice)
        asked = browser.post("/sensitive")

        answer = browser.post(asked["Location"], {"password": "no", "next": "/sensitive"})

        assert answer.content != b"done"
        assert browser.post("/sensitive").status_code == 302

    @pytest.mark.control("2.4.1")
    def test_ask_anew_once_it_is_old(self, alice, settings):
        with time_machine.travel(AT, tick=False) as clock:
            browser = sign_in(alice)
            browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
            assert browser.post("/sensitive").content == b"done"

            clock.shift(timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1))

            assert browser.post("/sensitive").status_code == 302

    @pytest.mark.control("2.4.1")
    def test_ask_for_the_second_factor_of_a_person_who_has_one(self, alice):
        secret = demo_people.add_second_factor(alice)
        browser = Client()
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
        with time_machine.travel(timezone.now(), tick=False) as clock:
            browser.post("/accounts/mfa/authenticate/", {"code": totp_code(secret)})
            clock.shift(timedelta(minutes=1))

            asked = browser.post("/sensitive")
            # The page for passwords takes none, and leads to the one for codes.
            by_password = browser.post(
                "/accounts/reauthenticate/", {"password": PASSWORD, "next": "/sensitive"}
            )
            after_password = browser.post("/sensitive")
            code = {"code": totp_code(secret), "next": "/sensitive"}
            answer = browser.post(asked["Location"], code)

        page = "/accounts/mfa/reauthenticate/?next=%2Fsensitive"
        assert asked["Location"] == after_password["Location"] == page
        assert by_password["Location"].startswith("/accounts/mfa/reauthenticate/")
        assert answer.content == b"done"

    @pytest.mark.control("2.4.1")
    @pytest.mark.parametrize("path", ["/sensitive", "/accounts/mfa/totp/deactivate/"])
    def test_do_not_run_on_a_password_that_was_confirmed_before_the_factor(self, alice, path):
        browser = sign_in(alice)
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert browser.post("/sensitive").content == b"done"

        # In another session: theirs, not a stranger's who has the password.
        demo_people.add_second_factor(alice)

        answer = browser.post(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/mfa/reauthenticate/")
        assert demo_people.has_second_factor(alice)

    @pytest.mark.parametrize("has_app", [True, False])
    def test_lead_to_the_security_key_of_who_has_no_app(self, alice, has_app):
        demo_people.add_second_factor(alice)
        cast.security_key(alice)
        if not has_app:
            Authenticator.objects.filter(type=Authenticator.Type.TOTP).delete()
        browser = Client()
        browser.force_login(alice)

        page = urlsplit(browser.post("/sensitive")["Location"]).path

        key = "/accounts/mfa/webauthn/reauthenticate/"
        assert page == ("/accounts/mfa/reauthenticate/" if has_app else key)

    def test_take_a_password_from_who_has_recovery_codes_alone(self, alice):
        demo_people.add_second_factor(alice)
        Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).delete()
        browser = Client()
        browser.force_login(alice)

        asked = browser.post("/sensitive")

        assert asked["Location"].startswith("/accounts/reauthenticate/")

    def test_refuse_who_has_nothing_to_confirm_with(self, antares, client):
        user = user_provisioning.register_user(
            user_provisioning.NewPerson("p", "p@antares.example", "P"), password=None, at=AT
        )
        client.force_login(user)

        answer = client.post("/sensitive")

        assert answer.status_code == 403


def test_membership_is_looked_up_once_per_request(alice, antares, django_assert_num_queries):
    request = RequestFactory().get("/")
    request.user = alice
    request.session = {}

    with django_assert_num_queries(1):
        first, second = (
            current_organisation.get_membership(request),
            current_organisation.get_membership(request),
        )

    assert first is second


def test_system_actor_is_no_person():
    assert actors.SYSTEM.user_id is None
    assert SimpleNamespace(kind=actors.ActorKind.SYSTEM).kind == actors.SYSTEM.kind
