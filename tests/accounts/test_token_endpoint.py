from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import OperationalError
from django.test import Client, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from accounts import api_tokens, client_usage, clients, delegations, user_provisioning
from accounts.client_keys import UnusableClientKeys
from accounts.ids import uuid7
from accounts.models import Alarm, ServiceClient, ServiceToken, UserMinute
from accounts.oauth.assertion import REJECTION_RATE
from tests.accounts.cast import AT, EC, RSA, Asking, person, post_form, tamper_with_token

pytestmark = pytest.mark.django_db
ORIGIN = django_settings.PUBLIC_URL.rstrip("/")
ENDPOINT = f"{ORIGIN}/oauth/token"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def encode_jwt_part(value: dict) -> str:
    """Return one part of a JWT, unsigned."""
    return encode_base64url(json.dumps(value))


def encode_base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def is_refused_with(answer, status: int, error: str) -> bool:
    return (
        (answer.status_code, answer.json()["error"]) == (status, error)
        and answer["Cache-Control"] == "no-store"
        and not ServiceToken.objects.exists()
    )


class TestToken:
    @pytest.mark.control("3.2.1")
    def test_is_for_one_purpose_and_one_person_and_ten_minutes(self, asking, delegation):
        answer = post_form(asking.form())

        body = answer.json()
        row = ServiceToken.objects.get()
        assert answer.status_code == 200
        assert (body["token_type"], body["expires_in"], body["scope"]) == (
            "Bearer",
            600,
            "purpose:inbox.display",
        )
        assert (row.delegation_id, row.purpose) == (delegation.id, "inbox.display")
        assert row.expires_at - row.issued_at == timedelta(minutes=10)
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.control("6.5.1")
    @pytest.mark.invariant(4)
    def test_is_stored_as_a_hash_only(self, asking):
        token = post_form(asking.form()).json()["access_token"]

        row = ServiceToken.objects.get()

        assert bytes(row.token_hash) == api_tokens.hash_access_token(token)
        assert len(base64.urlsafe_b64decode(token + "=")) >= 32

    def test_is_not_made_by_who_writes_the_table(self, asking):
        """A login of the database knows neither a token of its rows nor the key of their hashes."""
        post_form(asking.form())
        row = ServiceToken.objects.get()
        row.id, row.token_hash = uuid7(), hashlib.sha256(b"chosen").digest()
        row.save(force_insert=True)

        assert api_tokens.find_access_token("chosen", at=row.issued_at) is None

    def test_outlives_another_secret(self, asking):
        token = post_form(asking.form()).json()["access_token"]

        with override_settings(ROOT_SECRETS=["another secret", *django_settings.ROOT_SECRETS]):
            assert api_tokens.find_access_token(token, at=AT)
        with override_settings(ROOT_SECRETS=["another secret"]):
            assert not api_tokens.find_access_token(token, at=AT)

    def test_is_given_for_an_elliptic_signature_too(self, delegation, widget):
        answer = post_form(Asking(delegation, alg="ES256", key=EC).form())

        assert answer.status_code == 200

    def test_ends_after_ten_minutes(self, asking, clock):
        token = post_form(asking.form()).json()["access_token"]

        assert api_tokens.find_access_token(token, at=AT + timedelta(minutes=9, seconds=59))
        assert not api_tokens.find_access_token(token, at=AT + timedelta(minutes=10))

    def test_ends_with_its_client(self, asking):
        token = post_form(asking.form()).json()["access_token"]

        clients.retire_service_client(client_id="widget", at=AT)

        assert not api_tokens.find_access_token(token, at=AT)

    def test_ends_when_the_epoch_moves(self, asking, delegation):
        token = post_form(asking.form()).json()["access_token"]

        type(delegation).objects.filter(id=delegation.id).update(epoch=9)

        assert not api_tokens.find_access_token(token, at=AT)

    @given(st.text(max_size=100))
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_is_not_found_by_guessing(self, db, guess):
        assert api_tokens.find_access_token(guess, at=AT) is None


class TestClientAuthentication:
    @pytest.mark.control("2.3.4")
    @pytest.mark.parametrize(
        "changed",
        [
            {"aud": "https://elsewhere.example/oauth/token"},
            {"aud": None},
            {"iss": "other"},
            {"sub": "other"},
            {"sub": None},
            {"sub": 7},
            {"sub": "wid\0get"},
            {"iss": None},
            {"exp": None},
            {"exp": "soon"},
            {"exp": True},
            {"exp": int(AT.timestamp()) - 60},
            {"exp": int(AT.timestamp()) + 3600},
            {"nbf": int(AT.timestamp()) + 600},
            {"jti": None},
            {"jti": ""},
            {"jti": "x" * 300},
            {"jti": ["a"]},
        ],
    )
    def test_refuses_wrong_claims(self, asking, changed):
        answer = post_form(asking.form(client_assertion=asking.assertion(**changed)))

        assert is_refused_with(answer, 401, "invalid_client")

    def test_takes_the_issuer_as_audience(self, asking):
        answer = post_form(asking.form(client_assertion=asking.assertion(aud=ORIGIN)))

        assert answer.status_code == 200

    @pytest.mark.control("2.3.4")
    @pytest.mark.parametrize(
        "audience",
        [
            [ORIGIN],
            [ENDPOINT],
            [ENDPOINT, "https://elsewhere.example/oauth/token"],
            f"{ORIGIN}/",
            f"{ENDPOINT}/",
            ENDPOINT.upper(),
            ENDPOINT[:-1],
            f"{ENDPOINT} https://elsewhere.example",
            {ENDPOINT: 1},
            "",
        ],
    )
    def test_takes_an_assertion_for_its_own_address_alone(self, asking, audience):
        answer = post_form(asking.form(client_assertion=asking.assertion(aud=audience)))

        assert is_refused_with(answer, 401, "invalid_client")
        assert post_form(asking.form()).status_code == 200

    @pytest.mark.parametrize(
        ("client_id", "status"),
        [(None, 200), ("", 200), ("widget", 200), ("other", 401), ("wid\0get", 401)],
    )
    def test_refuses_the_client_id_of_another_client(self, asking, client_id, status):
        """RFC 7521 §4.2."""
        form = asking.form(client_id=client_id)

        answer = post_form(form)

        assert answer.status_code == status
        if status == 401:
            assert is_refused_with(answer, 401, "invalid_client")
            assert answer.json()["error_description"] == (
                "client_id is not the sub of client_assertion."
            )
            # The assertion is not used up.
            assert post_form(form | {"client_id": "widget"}).status_code == 200

    @pytest.mark.control("2.3.4")
    def test_refuses_an_assertion_that_was_used(self, asking):
        form = asking.form()
        post_form(form)
        ServiceToken.objects.all().delete()

        assert is_refused_with(post_form(form), 401, "invalid_client")

    def test_does_not_let_a_forger_use_up_an_assertion(self, asking):
        assertion = asking.assertion()
        forged = assertion[:-8] + ("AAAAAAAA" if not assertion.endswith("AAAAAAAA") else "BBBBBBBB")
        post_form(asking.form(client_assertion=forged))

        assert post_form(asking.form(client_assertion=assertion)).status_code == 200

    @pytest.mark.control("2.3.4")
    def test_refuses_another_key(self, asking):
        asking.key = RSAKey.generate_key(2048, {"kid": "rsa"})

        assert is_refused_with(post_form(asking.form()), 401, "invalid_client")

    @pytest.mark.control("2.3.4")
    def test_refuses_the_public_key_as_a_shared_secret(self, asking):
        signed = (
            f"{encode_jwt_part({'alg': 'HS256', 'kid': 'rsa'})}.{encode_jwt_part(asking.claims())}"
        )
        mac = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

        assert is_refused_with(
            post_form(asking.form(client_assertion=forged)), 401, "invalid_client"
        )

    @pytest.mark.control("2.3.4")
    def test_refuses_none(self, asking):
        forged = f"{encode_jwt_part({'alg': 'none'})}.{encode_jwt_part(asking.claims())}."

        assert is_refused_with(
            post_form(asking.form(client_assertion=forged)), 401, "invalid_client"
        )

    @pytest.mark.control("2.3.4")
    def test_refuses_a_changed_payload(self, asking):
        forged = tamper_with_token(asking.assertion())

        assert is_refused_with(
            post_form(asking.form(client_assertion=forged)), 401, "invalid_client"
        )

    @pytest.mark.control("2.3.4")
    @pytest.mark.parametrize("alg", ["RS512", "PS256"])
    def test_refuses_algorithms_that_are_not_named(self, asking, alg):
        asking.alg = alg

        assert is_refused_with(post_form(asking.form()), 401, "invalid_client")

    @pytest.mark.parametrize(
        "changed",
        [
            {"client_assertion": None},
            {"client_assertion": "not.a.jwt"},
            {"client_assertion": "é" * 20},
            {"client_assertion_type": "urn:other"},
        ],
    )
    def test_refuses_what_is_no_assertion(self, asking, changed):
        assert is_refused_with(post_form(asking.form(**changed)), 401, "invalid_client")

    @pytest.mark.parametrize("depth", [100, 950, 9_000, 90_000])
    def test_refuses_an_assertion_of_any_depth(self, asking, depth):
        claims = json.dumps({**asking.claims(), "x": 0})
        nested = claims.replace('"x": 0', f'"x": {"[" * depth}{"]" * depth}')
        forged = (
            f"{encode_jwt_part({'alg': 'RS256', 'kid': 'rsa'})}.{encode_base64url(nested)}.AAAA"
        )

        assert is_refused_with(
            post_form(asking.form(client_assertion=forged)), 401, "invalid_client"
        )

    def test_refuses_a_header_of_any_values(self, asking):
        _, payload, signature = asking.assertion().split(".")

        for name in ("crit", "b64", "alg", "kid"):
            for value in (5, None, [1], [None], {}, "", "\ud800"):
                header = encode_jwt_part({"alg": "RS256", "kid": "rsa", name: value})
                answer = post_form(asking.form(client_assertion=f"{header}.{payload}.{signature}"))
                assert is_refused_with(answer, 401, "invalid_client"), (name, value)

    def test_refuses_a_retired_client(self, asking):
        clients.retire_service_client(client_id="widget", at=AT)

        assert is_refused_with(post_form(asking.form()), 401, "invalid_client")

    def test_says_the_same_of_unknown_clients(self, asking):
        unknown = post_form(Asking(asking.delegation, client_id="nobody").form())
        asking.key = RSAKey.generate_key(2048, {"kid": "rsa"})
        known = post_form(asking.form())

        assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
        assert "Basic" not in known["WWW-Authenticate"]

    def test_takes_the_new_key_and_not_the_old_after_a_rotation(self, asking):
        new = RSAKey.generate_key(2048, {"kid": "new"})

        clients.replace_service_client_keys(
            client_id="widget", jwks={"keys": [new.as_dict(private=False)]}
        )

        assert is_refused_with(post_form(asking.form()), 401, "invalid_client")
        asking.key = new
        assert post_form(asking.form()).status_code == 200


class TestARejectedAssertion:
    """Logged with its cause and no value; many in the name of one client are an alarm."""

    @pytest.fixture
    def causes(self, caplog):
        """Return a function that returns the cause and the client of each log line."""

        def read_rejections():
            lines = [one for one in caplog.records if one.msg == "assertion.rejected"]
            return [(one.reason, getattr(one, "client_id", None)) for one in lines]

        return read_rejections

    @pytest.mark.parametrize(
        ("cause", "changed"),
        [
            ("issuer", {"iss": "other"}),
            ("issuer", {"iss": None}),
            ("audience", {"aud": [ENDPOINT]}),
            ("lifetime", {"exp": None}),
            ("lifetime", {"exp": int(AT.timestamp()) + 3600}),
            ("time", {"exp": int(AT.timestamp()) - 60}),
            ("time", {"nbf": int(AT.timestamp()) + 600}),
            ("time", {"iat": "x"}),
            ("id", {"jti": ["a"]}),
        ],
    )
    def test_is_logged_with_its_cause(self, asking, causes, cause, changed):
        post_form(asking.form(client_assertion=asking.assertion(**changed)))

        assert causes() == [(cause, "widget")]

    @pytest.mark.parametrize(
        ("cause", "changed"),
        [
            ("missing", {"client_assertion": None}),
            ("missing", {"client_assertion_type": "urn:other"}),
            ("malformed", {"client_assertion": "not.a.jwt"}),
            *(
                (
                    "malformed",
                    {
                        "client_assertion": ".".join(
                            [encode_jwt_part(header), encode_jwt_part({}), "AAAA"]
                        )
                    },
                )
                for header in (["alg"], "alg")
            ),
            (
                "malformed",
                {
                    "client_assertion": ".".join(
                        [encode_jwt_part({"alg": "RS256"}), encode_base64url("["), "AAAA"]
                    )
                },
            ),
        ],
    )
    def test_that_is_none_is_logged_too(self, asking, causes, cause, changed):
        answer = post_form(asking.form(**changed))

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert causes() == [(cause, None)]

    def test_is_logged_when_its_signer_is_not_the_client(self, asking, causes):
        used = asking.form()
        post_form(used)
        post_form(used)
        post_form(Asking(asking.delegation, client_id="nobody").form())
        post_form(Asking(asking.delegation, alg="PS256").form())
        asking.key = RSAKey.generate_key(2048, {"kid": "rsa"})
        post_form(asking.form())

        assert causes() == [
            ("replayed", "widget"),
            ("unknown_client", None),
            ("algorithm", "widget"),
            ("signature", "widget"),
        ]

    @pytest.mark.invariant(4)
    def test_shows_no_value_of_it(self, asking, caplog):
        marker = "cnry-assertion-value"
        post_form(asking.form(client_assertion=asking.assertion(aud=marker, jti=marker)))
        post_form(Asking(asking.delegation, client_id=marker).form())
        post_form(asking.form(client_assertion=marker))

        assert len(caplog.records) >= 3
        assert marker not in "".join(str(vars(record)) for record in caplog.records)

    def test_raises_an_alarm_with_its_client_if_there_are_many(self, asking, clock):
        def send_bad_assertions(count: int):
            for _ in range(count):
                post_form(asking.form(client_assertion=asking.assertion(aud=f"{ORIGIN}/")))
                clock.shift(timedelta(seconds=6))

        send_bad_assertions(REJECTION_RATE.limit)
        few = Alarm.objects.count()
        send_bad_assertions(2)

        alarm = Alarm.objects.get()
        assert few == 0
        assert (alarm.kind, alarm.about) == ("client.assertions_rejected", asking_id())
        assert alarm.body == {"count": REJECTION_RATE.limit + 1, "cause": "audience"}


def asking_id():
    return ServiceClient.objects.get(client_id="widget").id


class TestRequest:
    @pytest.mark.parametrize(
        "scope",
        [None, "", "inbox.display", "purpose:", "purpose:a purpose:b", "purpose:marketing", "*"],
    )
    def test_needs_one_purpose_that_the_client_declared(self, asking, scope):
        assert is_refused_with(post_form(asking.form(scope=scope)), 400, "invalid_scope")

    @pytest.mark.parametrize("delegation", [None, "", "not-a-uuid", "\0", "1"])
    def test_needs_a_delegation(self, asking, delegation):
        assert is_refused_with(
            post_form(asking.form(delegation=delegation)), 400, "invalid_request"
        )

    def test_refuses_an_unknown_delegation(self, asking):
        assert is_refused_with(
            post_form(asking.form(delegation=str(uuid4()))), 400, "invalid_grant"
        )

    def test_refuses_a_delegation_that_is_off(self, asking, alice, delegation):
        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)

        assert is_refused_with(post_form(asking.form()), 400, "invalid_grant")

    def test_refuses_another_features_delegation(self, asking, alice, antares):
        foreign = delegations.switch_delegation_on(
            user_id=alice.id,
            organisation_id=antares.id,
            feature="other",
            feature_version=1,
            at=AT,
        )

        assert is_refused_with(
            post_form(asking.form(delegation=str(foreign.id))), 400, "invalid_grant"
        )

    def test_refuses_the_delegation_of_the_deactivated(self, asking, alice):
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert is_refused_with(post_form(asking.form()), 400, "invalid_grant")

    @pytest.mark.parametrize("grant", ["refresh_token", "password", 'a"b\\é'])
    @pytest.mark.control("3.2.1")
    def test_knows_no_other_grant(self, asking, grant):
        answer = post_form(asking.form(grant_type=grant))

        assert is_refused_with(answer, 400, "unsupported_grant_type")

    @pytest.mark.parametrize("grant", [None, ""])
    def test_needs_a_grant_type(self, asking, grant):
        answer = post_form(asking.form(grant_type=grant))

        assert is_refused_with(answer, 400, "invalid_request")
        assert answer.json()["error_description"] == "The parameter grant_type is missing."

    def test_refuses_a_client_without_purposes(self, asking):
        ServiceClient.objects.update(purposes=[])

        assert is_refused_with(post_form(asking.form()), 400, "unauthorized_client")

    @pytest.mark.control("2.1.1")
    def test_refuses_parameters_in_the_address(self, asking):
        form = asking.form()

        answer = post_form(form, f"/oauth/token?client_assertion={form['client_assertion']}")

        assert is_refused_with(answer, 400, "invalid_request")

    @pytest.mark.control("5.1.1")
    def test_refuses_a_parameter_sent_twice(self, asking):
        answer = post_form(asking.form(scope=["purpose:inbox.display", "purpose:marketing"]))

        assert is_refused_with(answer, 400, "invalid_request")

    @pytest.mark.parametrize(
        ("content_type", "says"),
        [
            ("application/x-www-form-urlencoded; charset=latin-1", "UTF-8"),
            ("multipart/form-data; boundary=", "must be application/x-www-form-urlencoded"),
            ("multipart/form-data; boundary=a", "must be application/x-www-form-urlencoded"),
            ("", "must be application/x-www-form-urlencoded"),
        ],
    )
    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
    def test_refuses_other_bodies_in_json(self, client, path, content_type, says):
        answer = client.generic("POST", path, b"--a\r\n", content_type=content_type)

        assert is_refused_with(answer, 400, "invalid_request")
        assert says in answer.json()["error_description"]

    def test_refuses_json(self, asking):
        answer = Client().post("/oauth/token", json.dumps(asking.form()), "application/json")

        assert is_refused_with(answer, 400, "invalid_request")

    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
    @pytest.mark.parametrize("is_large", [True, False])
    def test_refuses_a_form_beyond_the_limits_in_json(self, client, path, is_large):
        form = "a=1&" * 2_000
        if is_large:
            form = "a" * (django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

        answer = client.post(path, form, content_type="application/x-www-form-urlencoded")

        assert is_refused_with(answer, 400, "invalid_request")
        assert "too large" in answer.json()["error_description"]

    @pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
    def test_answers_to_post_only(self, client, path, method):
        answer = getattr(client, method)(path)

        assert is_refused_with(answer, 405, "invalid_request")
        assert answer["Allow"] == "POST"
        assert answer.json()["error_description"]

    @pytest.mark.control("3.1.2")
    def test_ignores_what_would_widen_it(self, asking, mallory, delegation):
        form = asking.form() | {"user_id": str(mallory.id), "expires_in": "999999", "role": "x"}

        post_form(form)

        row = ServiceToken.objects.get()
        assert row.delegation_id == delegation.id
        assert row.expires_at == AT + timedelta(minutes=10)

    @given(
        form=st.dictionaries(
            st.sampled_from(
                ["grant_type", "client_assertion_type", "client_assertion", "scope", "delegation"]
            ),
            st.text(max_size=30),
        )
    )
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_answers_anything_with_a_refusal_of_the_rfc(self, db, form):
        answer = post_form(form)

        assert answer.status_code in {400, 401}
        assert answer.json()["error"] in {
            "invalid_request",
            "invalid_client",
            "unsupported_grant_type",
        }
        assert answer.json()["error_description"]

    @pytest.mark.parametrize(
        "changed",
        [
            {"grant_type": None},
            {"grant_type": "password"},
            {"scope": None},
            {"scope": "purpose:marketing"},
            {"scope": "client"},
            {"delegation": None},
            {"delegation": "1"},
            {"delegation": str(uuid4())},
            {"client_assertion": None},
            {"client_assertion": "not.a.jwt"},
            {"client_id": "other"},
            {"grant_type": ["password", "password"]},
            {"grant_type": "authorization_code"},
            {"grant_type": "authorization_code", "code": "unknown"},
            {"grant_type": "authorization_code", "code": "unknown", "code_verifier": "x"},
        ],
    )
    def test_is_told_the_cause_of_every_refusal(self, asking, changed):
        body = post_form(asking.form(**changed)).json()

        assert body["error_description"]

    @pytest.mark.parametrize(
        "changed",
        [{}, {"token": "unknown", "client_assertion": None}, {"token": ["a", "b"]}],
    )
    def test_is_told_the_cause_of_every_refusal_to_revoke(self, asking, changed):
        answer = post_form(asking.form(**changed), "/oauth/revoke")

        assert answer.status_code in {400, 401}
        assert answer.json()["error_description"]


class TestPeoplePerMinute:
    def count(self, client, how_many: int, at) -> None:
        for _ in range(how_many):
            user = person(secrets.token_hex(4))
            client_usage.count_client_user(client=client, user_id=user.id, at=at)

    def test_are_limited_per_client(self, widget):
        widget.users_per_minute = 4
        self.count(widget, 4, AT)

        with pytest.raises(client_usage.TooManyUsers) as caught:
            self.count(widget, 1, AT)

        assert caught.value.retry_after == 55

    def test_count_once_each(self, widget, alice):
        widget.users_per_minute = 1

        for _ in range(5):
            client_usage.count_client_user(client=widget, user_id=alice.id, at=AT)

        assert UserMinute.objects.count() == 1

    def test_are_new_in_the_next_minute(self, widget):
        widget.users_per_minute = 2

        self.count(widget, 2, AT)
        self.count(widget, 2, AT + timedelta(minutes=1))

        assert UserMinute.objects.count() == 4

    def test_raise_one_alarm_at_more_than_half(self, widget):
        widget.users_per_minute = 4

        self.count(widget, 2, AT)
        assert not Alarm.objects.exists()
        self.count(widget, 2, AT)

        alarm = Alarm.objects.get()
        assert (alarm.kind, alarm.about, alarm.body) == (
            "client.many_users",
            widget.id,
            {"limit": 4},
        )

        for minutes, count in ((1, 1), (60, 2)):
            self.count(widget, 4, AT + timedelta(minutes=minutes))
            assert Alarm.objects.count() == count

    def test_answer_429_at_the_endpoint(self, asking, widget):
        ServiceClient.objects.update(users_per_minute=1)
        client_usage.count_client_user(client=widget, user_id=person("bob").id, at=AT)

        answer = post_form(asking.form())

        assert (answer.status_code, answer["Retry-After"]) == (429, "55")
        assert not ServiceToken.objects.exists()

    def test_are_forgotten_after_an_hour(self, widget):
        self.count(widget, 2, AT)

        assert client_usage.delete_expired_user_counts(at=AT + timedelta(hours=2)) == 2


class TestRegisteringKeys:
    @pytest.mark.control("4.1.3")
    @pytest.mark.parametrize(
        "keys",
        [
            [],
            [RSA.as_dict(private=True)],
            [RSA.as_dict(private=False), RSA.as_dict(private=False)],
            [{"kty": "oct", "k": "c2VjcmV0", "kid": "o"}],
            [{"kty": "RSA"}],
            ["text"],
        ],
        ids=["none", "private", "twice", "shared", "broken", "text"],
    )
    def test_refuses_all_but_public_strong_keys(self, keys):
        with pytest.raises(UnusableClientKeys):
            clients.create_service_client(
                client_id="c", feature="f", purposes=["inbox.display"], jwks={"keys": keys}, at=AT
            )

    @pytest.mark.control("4.1.3")
    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
    def test_refuses_a_weak_key(self):
        weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)

        with pytest.raises(UnusableClientKeys):
            clients.create_service_client(
                client_id="c", feature="f", purposes=[], jwks={"keys": [weak]}, at=AT
            )

    def test_refuses_a_client_id_that_is_taken(self, widget):
        with pytest.raises(clients.ServiceClientExists):
            clients.create_service_client(
                client_id="widget", feature="f", purposes=[], jwks=widget.jwks, at=AT
            )

    def test_retires_once(self, widget):
        clients.retire_service_client(client_id="widget", at=AT)

        with pytest.raises(clients.ClientNotLive):
            clients.retire_service_client(client_id="widget", at=AT)
        with pytest.raises(clients.ClientNotLive):
            clients.replace_service_client_keys(client_id="widget", jwks=widget.jwks)

    def test_forgets_what_expired(self, asking):
        post_form(asking.form())

        assert api_tokens.delete_expired_access_tokens(at=AT) == 0
        assert api_tokens.delete_expired_access_tokens(at=AT + timedelta(minutes=11)) == 2


class TestAnUnreachableDatabase:
    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
    def test_is_a_problem_document(self, asking, monkeypatch, path):
        def fail(*_, **__):
            raise OperationalError("the connection failed")

        monkeypatch.setattr("accounts.rate_limit_counters.add_rate_limit_count", fail)
        browser = Client(raise_request_exception=False)

        answer = browser.post(path, asking.form())

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer["Content-Type"] == "application/problem+json"
