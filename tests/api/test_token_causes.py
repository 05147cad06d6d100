"""A 401 names its cause, in the answer and in the log, and no token tells why it is not live."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import api_tokens, authentication, clients, delegations, memberships
from accounts.authentication import TOKEN_REJECTION_TEXTS, TokenRejectionCause
from accounts.models import ServiceToken
from config.logging import convert_to_log_value
from tests.api import cast, schema

pytestmark = pytest.mark.django_db

PERSON_DATA = ("/v1/users/me/connections", "/v1/users/me/messages")
OWN_MATTERS = ("/v1/delegations",)
INVALID = 'Bearer realm="antares", error="invalid_token"'


@pytest.fixture
def rejected(caplog):
    """Return a function that lists the reasons in the log."""
    caplog.set_level(logging.INFO, authentication.__name__)

    def list_reasons() -> list[str]:
        records = [one for one in caplog.records if one.msg == "token.rejected"]
        assert all(convert_to_log_value(one.reason) == one.reason for one in records)
        return [one.reason for one in records]

    return list_reasons


def send(path: str, authorization: str | None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client(headers=headers).get(path)


def check(answer, cause: TokenRejectionCause) -> None:
    body = schema.problem(answer, 401, "not-authenticated")
    assert body["detail"] == TOKEN_REJECTION_TEXTS[cause]
    assert answer.headers["WWW-Authenticate"] == INVALID


class TestNoToken:
    @pytest.mark.parametrize("path", PERSON_DATA)
    def test_is_told_to_send_one_or_to_sign_in(self, path, rejected):
        answer = send(path, None)

        body = schema.problem(answer, 401, "not-authenticated")
        assert body["detail"].startswith("The request has no access token and no session.")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="antares"'
        assert rejected() == []

    @pytest.mark.parametrize("path", OWN_MATTERS)
    def test_for_the_clients_own_matters_is_told_which(self, alice, path):
        for client in (Client(), cast.browser(alice.user)):
            body = schema.problem(client.get(path), 401, "not-authenticated")

            assert "the client's own token (scope `client`)" in body["detail"]


class TestToken:
    @pytest.mark.parametrize("path", [*PERSON_DATA, *OWN_MATTERS])
    @pytest.mark.parametrize(
        "header", ["", "Basic YTpi", "Bearer", "Bearer  x", "Bearer a b", "Bearer \x7f", "Token x"]
    )
    def test_of_another_kind_is_told_the_kind(self, path, header, rejected):
        check(send(path, header), TokenRejectionCause.NOT_BEARER)
        assert rejected() == ["not_bearer"]

    @pytest.mark.parametrize("path", [*PERSON_DATA, *OWN_MATTERS])
    def test_that_never_existed_is_not_live(self, path, rejected):
        check(send(path, f"Bearer {'x' * 43}"), TokenRejectionCause.NOT_LIVE)
        assert rejected() == ["not_live"]

    @pytest.mark.control("3.1.4")
    @pytest.mark.parametrize("path", [*PERSON_DATA, *OWN_MATTERS])
    @pytest.mark.parametrize(
        "end",
        [
            lambda *_: ServiceToken.objects.update(
                issued_at=timezone.now() - timedelta(hours=1),
                expires_at=timezone.now() - timedelta(minutes=50),
            ),
            lambda _, row: row.delete(),
            lambda house, row: delegations.switch_delegation_off(
                delegation_id=row.delegation_id, user_id=house.user.id, at=timezone.now()
            ),
            lambda house, _: memberships.end_membership(
                user_id=house.user.id, organisation_id=house.organisation.id, at=timezone.now()
            ),
            lambda *_: clients.retire_service_client(client_id="inbox-widget", at=timezone.now()),
        ],
        ids=["expired", "revoked", "switched off", "left", "client retired"],
    )
    def test_that_has_ended_does_not_tell_how(self, alice, widget, path, end):
        end(alice, ServiceToken.objects.get())

        check(widget.get(path), TokenRejectionCause.NOT_LIVE)

    @pytest.mark.parametrize("path", PERSON_DATA)
    def test_of_the_client_opens_nobodys_data(self, alice, path, rejected):
        own = api_tokens.issue_client_token(client=cast.widget(), at=timezone.now())

        check(send(path, f"Bearer {own}"), TokenRejectionCause.OF_CLIENT)
        assert rejected() == ["of_client"]
        assert send(OWN_MATTERS[0], f"Bearer {own}").status_code == 200

    @pytest.mark.parametrize("path", OWN_MATTERS)
    def test_for_a_person_opens_no_matter_of_the_client(self, widget, path, rejected):
        check(widget.get(path), TokenRejectionCause.OF_PERSON)
        assert rejected() == ["of_person"]
        assert widget.get(PERSON_DATA[0]).status_code == 200

    @pytest.mark.parametrize("path", PERSON_DATA)
    def test_of_the_client_that_has_ended_does_not_tell_whose_it_was(self, path):
        own = api_tokens.issue_client_token(client=cast.widget(), at=timezone.now())
        clients.retire_service_client(client_id="inbox-widget", at=timezone.now())

        check(send(path, f"Bearer {own}"), TokenRejectionCause.NOT_LIVE)

    @given(
        header=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
        | st.from_regex(r"\A(?i:bearer) [\x20-\x7e]{0,40}\Z"),
        path=st.sampled_from([*PERSON_DATA, *OWN_MATTERS]),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_of_any_form_is_told_one_of_the_texts_and_nothing_of_itself(self, caplog, header, path):
        caplog.clear()
        answer = send(path, header.encode("latin-1").decode("latin-1"))

        assert answer.status_code in {401, 429}
        if answer.status_code == 401:
            detail = answer.json()["detail"]
            assert detail in TOKEN_REJECTION_TEXTS.values()
        for record in caplog.records:
            if len(header) > 12:
                assert header not in str(record.__dict__)
