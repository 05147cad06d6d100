"""The exchange of an authorization code at `/oauth/token` (RFC 6749 §4.1.3, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import (
    api_tokens,
    authorization_codes,
    client_usage,
    clients,
    delegations,
    tasks,
    user_provisioning,
)
from accounts.authorization_codes import AuthorizationGrant
from accounts.models import AuthorizationCode, Membership, ServiceClient, ServiceToken
from tests.accounts.cast import AT, EC, Asking, post_form

pytestmark = pytest.mark.django_db
CALLBACK = "https://widget.example/callback"
ENDED = "The delegation has ended. If the person agrees again, there is a new one."
VERIFIER = secrets.token_urlsafe(32)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def make_challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def code(widget, delegation) -> str:
    text = authorization_codes.generate_code()
    grant = AuthorizationGrant(
        client=widget,
        delegation=delegation,
        redirect_uri=CALLBACK,
        code_challenge=make_challenge(VERIFIER),
        purpose="inbox.display",
    )
    authorization_codes.save_authorization_code(text, grant, at=AT)
    return text


@pytest.fixture
def exchange(asking, code):
    """Return a function that sends the exchange, with some parameters changed."""

    def send(**changed):
        form = asking.form(
            grant_type="authorization_code",
            scope=None,
            delegation=None,
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )
        form = {name: value for name, value in (form | changed).items() if value is not None}
        return post_form(form)

    return send


def read_error(answer) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


class TestCode:
    def test_brings_the_delegation_and_its_first_token(self, exchange, delegation, alice):
        answer = exchange()

        body = answer.json()
        row = ServiceToken.objects.get()
        assert answer.status_code == 200
        assert (body["delegation"], body["user"], body["platform_user"]) == (
            str(delegation.id),
            str(alice.id),
            "platform-alice",
        )
        assert (body["token_type"], body["expires_in"], body["scope"]) == (
            "Bearer",
            600,
            "purpose:inbox.display",
        )
        assert api_tokens.find_access_token(body["access_token"], at=AT)
        assert (row.delegation_id, row.purpose) == (delegation.id, "inbox.display")
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.invariant(4)
    def test_is_stored_as_a_hash_only(self, code):
        row = AuthorizationCode.objects.get()

        assert code.encode() not in bytes(row.code_hash)
        assert len(bytes(row.code_hash)) == 32

    def test_is_used_once_and_a_second_use_ends_the_token(self, exchange):
        token = exchange().json()["access_token"]

        assert read_error(exchange()) == (
            400,
            "invalid_grant",
            "The code was used before. The token that it brought is revoked.",
        )
        assert not api_tokens.find_access_token(token, at=AT)

    def test_expires_after_a_minute(self, exchange, clock):
        clock.move_to(AT + timedelta(seconds=60))

        assert read_error(exchange()) == (
            400,
            "invalid_grant",
            "The code has expired: exchange it within a minute.",
        )

    @pytest.mark.parametrize(
        ("changed", "error", "description"),
        [
            ({"code": "x"}, "invalid_grant", "The code is unknown"),
            ({"code": "é\0"}, "invalid_grant", "The code is unknown"),
            ({"code": None}, "invalid_request", "Missing 'code' in request."),
            ({"redirect_uri": CALLBACK + "/"}, "invalid_grant", "redirect_uri is not the one"),
            ({"redirect_uri": None}, "invalid_grant", "redirect_uri is not the one"),
            ({"code_verifier": None}, "invalid_request", "Missing 'code_verifier'"),
            ({"code_verifier": "short"}, "invalid_request", "Invalid 'code_verifier'"),
            (
                {"code_verifier": secrets.token_urlsafe(32)},
                "invalid_grant",
                "code_verifier does not belong to the code_challenge.",
            ),
        ],
    )
    def test_is_refused_with_the_cause(self, exchange, changed, error, description):
        status, found_error, found_description = read_error(exchange(**changed))

        assert (status, found_error) == (400, error)
        assert found_description.startswith(description)
        assert not ServiceToken.objects.exists()

    def test_can_still_be_used_after_a_mistake(self, exchange):
        exchange(code_verifier=secrets.token_urlsafe(32))

        assert exchange().status_code == 200

    def test_of_another_client_is_unknown(self, exchange, delegation):
        clients.create_service_client(
            client_id="other",
            feature="inbox-widget",
            purposes=["inbox.display"],
            jwks={"keys": [EC.as_dict(private=False)]},
            at=AT,
        )
        other = Asking(delegation, client_id="other", alg="ES256", key=EC)

        answer = exchange(client_assertion=other.assertion())

        assert read_error(answer)[2].startswith("The code is unknown")

    def test_brings_nothing_once_the_feature_is_off(self, exchange, delegation, alice):
        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)

        assert read_error(exchange()) == (
            400,
            "invalid_grant",
            ENDED,
        )

    def test_brings_nothing_once_the_epoch_has_moved(self, exchange, delegation):
        type(delegation).objects.filter(id=delegation.id).update(epoch=7)

        assert read_error(exchange())[1] == "invalid_grant"

    def test_brings_nothing_once_the_person_is_deactivated(self, exchange, alice):
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert read_error(exchange())[1] == "invalid_grant"

    def test_brings_nothing_once_the_person_has_left(self, exchange):
        Membership.objects.update(left_at=AT)

        assert read_error(exchange())[2] == (
            "The person's access to Antares, or to the organisation, has ended."
        )

    def test_brings_nothing_once_the_purpose_is_taken_away(self, exchange, widget):
        ServiceClient.objects.filter(id=widget.id).update(purposes=[])

        assert read_error(exchange())[1] == "invalid_scope"

    def test_counts_the_person_and_keeps_the_code_beyond_the_limit(self, exchange, widget, clock):
        ServiceClient.objects.filter(id=widget.id).update(users_per_minute=1)
        other = user_provisioning.register_user(
            user_provisioning.NewPerson("other", "other@antares.example", "Other", "member"),
            password=None,
            at=AT,
        )
        widget.refresh_from_db()
        client_usage.count_client_user(client=widget, user_id=other.id, at=AT)

        assert exchange().status_code == 429

        clock.move_to(AT + timedelta(seconds=56))
        assert exchange().status_code == 200

    def test_is_deleted_after_its_token_has_ended(self, exchange, clock):
        exchange()

        clock.move_to(AT + timedelta(minutes=10))
        tasks.forget_expired()
        assert AuthorizationCode.objects.exists()

        clock.move_to(AT + timedelta(minutes=11))
        tasks.forget_expired()
        assert not AuthorizationCode.objects.exists()

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.text(max_size=60)
                for name in ("code", "redirect_uri", "code_verifier", "scope", "delegation")
            },
        )
    )
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_brings_no_token_by_guessing(self, asking, form):
        answer = post_form(asking.form(grant_type="authorization_code") | form)

        assert answer.status_code == 400
        assert not ServiceToken.objects.exists()


class TestClientToken:
    def test_has_no_person(self, asking):
        answer = post_form(asking.form(scope="client", delegation=None))

        body = answer.json()
        row = ServiceToken.objects.get()
        assert answer.status_code == 200
        assert (body["scope"], body["expires_in"]) == ("client", 600)
        assert (row.purpose, row.delegation_id, row.delegation_epoch) == ("client", None, None)
        assert api_tokens.find_client_token(body["access_token"], at=AT)
        assert not api_tokens.find_access_token(body["access_token"], at=AT)

    def test_of_a_person_is_no_client_token(self, asking):
        token = post_form(asking.form()).json()["access_token"]

        assert not api_tokens.find_client_token(token, at=AT)

    def test_takes_no_delegation(self, asking):
        answer = post_form(asking.form(scope="client"))

        assert read_error(answer) == (
            400,
            "invalid_request",
            "A token with the scope client has no delegation.",
        )

    def test_ends_with_its_client(self, asking):
        token = post_form(asking.form(scope="client", delegation=None)).json()["access_token"]

        clients.retire_service_client(client_id="widget", at=AT)

        assert not api_tokens.find_client_token(token, at=AT)

    def test_ends_after_ten_minutes(self, asking):
        token = post_form(asking.form(scope="client", delegation=None)).json()["access_token"]

        assert api_tokens.find_client_token(token, at=AT + timedelta(minutes=9, seconds=59))
        assert not api_tokens.find_client_token(token, at=AT + timedelta(minutes=10))


class TestRevocation:
    def revoke(self, asking, **changed):
        form = asking.form(grant_type=None, scope=None, delegation=None) | changed
        return post_form({k: v for k, v in form.items() if v is not None}, "/oauth/revoke")

    def test_ends_the_token(self, asking):
        token = post_form(asking.form()).json()["access_token"]

        answer = self.revoke(asking, token=token, token_type_hint="access_token")

        assert (answer.status_code, answer.content) == (200, b"{}")
        assert not api_tokens.find_access_token(token, at=AT)
        # The delegation stays.
        assert post_form(asking.form()).status_code == 200

    def test_of_an_unknown_token_is_no_error(self, asking):
        assert self.revoke(asking, token="unknown").status_code == 200

    def test_refuses_the_token_of_another_client(self, asking, delegation):
        clients.create_service_client(
            client_id="other",
            feature="inbox-widget",
            purposes=["inbox.display"],
            jwks={"keys": [EC.as_dict(private=False)]},
            at=AT,
        )
        token = post_form(asking.form()).json()["access_token"]

        answer = self.revoke(
            Asking(delegation, client_id="other", alg="ES256", key=EC), token=token
        )

        assert read_error(answer) == (
            400,
            "invalid_grant",
            "The token was issued to another client.",
        )
        assert api_tokens.find_access_token(token, at=AT)

    @pytest.mark.parametrize(
        ("changed", "status"),
        [({"token": None}, 400), ({"token": ""}, 400), ({"client_assertion": "x"}, 401)],
    )
    def test_refuses_what_is_incomplete(self, asking, changed, status):
        assert self.revoke(asking, **({"token": "x"} | changed)).status_code == status

    def test_refuses_json(self, asking, client):
        answer = client.post("/oauth/revoke", {"token": "x"}, content_type="application/json")

        assert read_error(answer)[1] == "invalid_request"


class TestCauses:
    """What a developer reads when the token endpoint refuses."""

    @pytest.mark.parametrize(
        ("changed", "description"),
        [
            ({"exp": int(AT.timestamp()) + 3600}, "exp is more than five minutes away."),
            ({"exp": int(AT.timestamp()) - 60}, "exp is in the past."),
            ({"exp": "soon"}, "exp must be a whole number of seconds since 1970."),
            ({"iat": int(AT.timestamp()) + 600}, "iat or nbf is no time, or lies in the future."),
            ({"iss": "other"}, "iss and sub must both be the client_id."),
            ({"jti": None}, "jti must be a text of 1 to 255 characters."),
        ],
    )
    def test_name_the_claim(self, asking, caplog, changed, description):
        answer = post_form(asking.form(client_assertion=asking.assertion(**changed)))

        assert read_error(answer) == (401, "invalid_client", description)
        assert description in [getattr(record, "reason", "") for record in caplog.records]

    def test_name_the_audience(self, asking):
        answer = post_form(asking.form(client_assertion=asking.assertion(aud="https://x.example")))

        issuer = django_settings.PUBLIC_URL
        assert read_error(answer)[2] == f"aud must be {issuer}/oauth/token or {issuer}."

    def test_name_a_second_use(self, asking):
        form = asking.form()
        post_form(form)

        assert read_error(post_form(form))[2] == "An assertion with this jti was used before."

    def test_are_the_same_for_unknown_clients_and_wrong_keys(self, asking, delegation):
        """Otherwise an answer would tell which clients exist."""
        unknown = Asking(delegation, client_id="unknown")
        wrong = Asking(delegation, alg="ES256", key=type(EC).generate_key("P-256", {"kid": "ec"}))

        answers = [post_form(one.form()) for one in (unknown, wrong)]

        assert [read_error(answer) for answer in answers] == 2 * [
            (
                401,
                "invalid_client",
                "No client with this client_id has a key that made this signature.",
            )
        ]

    def test_name_the_delegation(self, asking, delegation, alice):
        unknown = post_form(asking.form(delegation=str(uuid4())))
        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)
        off = post_form(asking.form())

        assert read_error(unknown)[2] == "No person gave this client a delegation with this id."
        assert (
            read_error(off)[2]
            == "The delegation has ended. If the person agrees again, there is a new one."
        )
