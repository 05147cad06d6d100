"""One authorization code, exchanged by several requests at the same moment (RFC 6749 §4.1.2)."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest
from django.utils import timezone

from accounts import api_tokens, authorization_codes, clients, delegations
from accounts.authorization_codes import AuthorizationGrant
from accounts.models import AuthorizationCode, ServiceToken
from tests.accounts.cast import RSA, Asking, post_form
from tests.integrations import household
from tests.races.test_withdraw import do_together

pytestmark = pytest.mark.django_db(transaction=True)
CALLBACK = "https://widget.example/callback"
EXCHANGES = 4


def send_exchange(form):
    return lambda: post_form(form)


def test_a_code_brings_one_token_which_the_other_requests_end():
    user, organisation, _ = household.person("alice", at=timezone.now())
    client = clients.create_service_client(
        client_id="widget",
        feature="inbox-widget",
        purposes=["inbox.display"],
        jwks={"keys": [RSA.as_dict(private=False)]},
        at=timezone.now(),
    )
    delegation = delegations.switch_delegation_on(
        user_id=user.id,
        organisation_id=organisation.id,
        feature="inbox-widget",
        feature_version=1,
        at=timezone.now(),
    )
    code, verifier = authorization_codes.generate_code(), secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    grant = AuthorizationGrant(
        client=client,
        delegation=delegation,
        redirect_uri=CALLBACK,
        code_challenge=base64.urlsafe_b64encode(digest).decode().rstrip("="),
        purpose="inbox.display",
    )
    authorization_codes.save_authorization_code(code, grant, at=timezone.now())
    asking = Asking(None)
    forms = [
        asking.form(
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=verifier,
        )
        for _ in range(EXCHANGES)
    ]
    for form in forms:
        del form["scope"], form["delegation"]

    answers = do_together(*map(send_exchange, forms))

    issued = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [answer.json() for answer in answers if answer.status_code == 400]
    assert (len(issued), len(refused)) == (1, EXCHANGES - 1)
    assert {(body["error"], body["error_description"]) for body in refused} == {
        ("invalid_grant", authorization_codes.CodeProblem.USED)
    }
    # One of the requests may be a thief's, and nobody knows which: the token is gone.
    assert not api_tokens.find_access_token(issued[0]["access_token"], at=timezone.now())
    assert not ServiceToken.objects.exists()
    assert AuthorizationCode.objects.get().used_at is not None
