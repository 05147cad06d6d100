"""
What we use of django-allauth and authlib beyond their documentation, compared with the installed
versions. After an upgrade, each failure names the code of ours that has to follow.
"""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
from allauth.account import forms as account_forms
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.authentication import get_authentication_records
from allauth.account.internal import stagekit
from allauth.account.internal.flows import login, reauthentication
from allauth.account.models import Login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn import forms as webauthn_forms
from authlib.integrations.django_oauth2.requests import DjangoOAuth2Payload
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion

from accounts import allauth_private
from tests.accounts.cast import person

#: Owner, method, its parameters after `self`, and the code of ours that overrides or calls it.
METHODS = [
    (AuthenticationBackend, "_authenticate_by_email", "email password",
     "allauth_private.PasswordBackend"),
    (AuthenticationBackend, "_stash_user", "user", "allauth_private.PasswordBackend.note_inactive"),
    (DefaultAccountAdapter, "is_open_for_signup", "request", "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "is_safe_url", "url", "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "authenticate", "request credentials",
     "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "get_reauthentication_methods", "user",
     "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "is_reauthentication_required", "app kwargs",
     "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "set_password", "user password", "allauth_adapter.AccountAdapter"),
    (DefaultAccountAdapter, "get_client_ip", "request", "client_networks.find_network"),
    (DefaultMFAAdapter, "encrypt", "text", "allauth_adapter.MfaAdapter"),
    (DefaultMFAAdapter, "decrypt", "encrypted_text", "allauth_adapter.MfaAdapter"),
    (DefaultMFAAdapter, "can_delete_authenticator", "authenticator", "allauth_adapter.MfaAdapter"),
    (DefaultMFAAdapter, "get_public_key_credential_rp_entity", "", "allauth_adapter.MfaAdapter"),
    (mfa_forms.AuthenticateForm, "clean_code", "", "second_factor._CodeFormMixin"),
    (mfa_forms.ReauthenticateForm, "clean_code", "", "second_factor._CodeFormMixin"),
    (webauthn_forms.AddWebAuthnForm, "clean", "", "credential_forms.AddKeyForm"),
    (webauthn_forms.AuthenticateWebAuthnForm, "clean_credential", "",
     "credential_forms.AuthenticateWithKeyForm"),
    (webauthn_forms.ReauthenticateWebAuthnForm, "clean_credential", "",
     "credential_forms.ReauthenticateWithKeyForm"),
    (account_forms.ResetPasswordForm, "clean_email", "", "password_reset.ResetPasswordForm"),
    (account_forms.ResetPasswordForm, "save", "request kwargs", "password_reset.ResetPasswordForm"),
    (account_forms.UserTokenForm, "clean", "", "sign_in.UserTokenForm"),
    (AuthorizationServer, "authenticate_client", "request methods endpoint",
     "oauth.server.TokenServer"),
    (AuthorizationServer, "create_oauth2_request", "request", "oauth.server.TokenServer"),
    (AuthorizationServer, "get_token_grant", "request", "oauth.server.TokenServer"),
    (AuthorizationServer, "create_token_response", "request", "oauth.server.TokenServer"),
    (AuthorizationServer, "handle_response", "status body headers", "oauth.server.TokenServer"),
    (AuthorizationServer, "handle_error_response", "request error", "oauth.server.TokenServer"),
    (AuthorizationServer, "send_signal", "name args kwargs", "oauth.server.TokenServer"),
    (ClientCredentialsGrant, "validate_token_request", "",
     "oauth.server.DelegatedCredentialsGrant"),
    (ClientCredentialsGrant, "create_token_response", "args kwargs",
     "oauth.server.DelegatedCredentialsGrant"),
    (ClientCredentialsGrant, "authenticate_token_endpoint_client", "",
     "oauth.server.DelegatedCredentialsGrant"),
    (OAuth2Request, "__init__", "method uri body headers", "oauth.server._TokenRequest"),
    (DjangoOAuth2Payload, "__init__", "request", "oauth.server._TokenRequest"),
    (OAuth2Error, "get_error_description", "", "oauth.server.UnknownGrantType"),
    (OAuth2Error, "get_headers", "", "oauth.assertion.NotAuthenticated"),
    (JWTBearerClientAssertion, "__init__", "token_url validate_jti leeway",
     "oauth.assertion.PrivateKeyJwt"),
    (JWTBearerClientAssertion, "__call__", "query_client request", "oauth.assertion.PrivateKeyJwt"),
    (JWTBearerClientAssertion, "extract_assertion", "assertion", "oauth.assertion.PrivateKeyJwt"),
]  # fmt: skip


def describe_parameters(owner, name):
    """Return the parameters of a method after `self`; None if there is no such method."""
    method = getattr(owner, name, None)
    if method is None:
        return None
    names = inspect.signature(method).parameters
    return " ".join(one for one in names if one not in {"self", "cls"})


@pytest.fixture
def request_of(db):
    """Return a request of a person with an empty session."""
    user = person("alice")
    return SimpleNamespace(user=user, session={})


class TestMethods:
    @pytest.mark.parametrize(
        ("owner", "name", "parameters", "ours"),
        METHODS,
        ids=[f"{owner.__name__}.{name}" for owner, name, *_ in METHODS],
    )
    def test_have_the_parameters_that_our_code_gives_or_takes(self, owner, name, parameters, ours):
        assert describe_parameters(owner, name) == parameters, (
            f"{owner.__module__}.{owner.__name__}.{name} changed: accounts.{ours} depends on it"
        )


class TestSession:
    def test_has_a_pending_sign_in_under_the_key_that_we_read(self):
        assert stagekit.LOGIN_SESSION_KEY == allauth_private.PENDING_SIGN_IN_KEY, (
            "accounts.allauth_private.find_pending_user_id reads this key"
        )

    def test_names_the_person_of_a_pending_sign_in_as_we_read_it(self, request_of):
        data = Login(user=request_of.user).serialize()

        session = {allauth_private.PENDING_SIGN_IN_KEY: data}

        assert allauth_private.find_pending_user_id(session) == request_of.user.pk, (
            "accounts.allauth_private.find_pending_user_id reads `user_pk`"
        )

    def test_has_a_suspended_request_under_the_key_that_we_read(self):
        assert reauthentication.STATE_SESSION_KEY == allauth_private.SUSPENDED_REQUEST_KEY, (
            "accounts.allauth_private.find_suspended_request reads this key; without it,"
            " accounts.pending_posts leaves passwords and forms in the session in clear"
        )

    def test_has_a_record_of_each_authentication_as_we_read_it(self, request_of):
        login.record_authentication(request_of, request_of.user, "mfa", reauthenticated=True)

        [record] = get_authentication_records(request_of, request_of.user)

        assert allauth_private.has_shown_second_factor(request_of), (
            "accounts.allauth_private.has_shown_second_factor reads `method`"
        )
        assert allauth_private.list_confirmation_times(request_of) == [record["at"]], (
            "accounts.allauth_private.list_confirmation_times reads `reauthenticated` and `at`"
        )


class TestFactors:
    def test_have_the_data_that_we_store_for_an_authenticator_app(self, request_of):
        theirs = TOTP.activate(request_of.user, "JBSWY3DPEHPK3PXP").instance
        theirs.delete()

        allauth_private.add_authenticator_app(request_of.user, "JBSWY3DPEHPK3PXP")

        ours = Authenticator.objects.get()
        assert (ours.type, ours.data.keys()) == (theirs.type, theirs.data.keys()), (
            "accounts.allauth_private.add_authenticator_app stores the data of TOTP"
        )

    def test_have_the_data_that_we_store_for_recovery_codes(self, request_of):
        theirs = RecoveryCodes.activate(request_of.user).instance
        theirs.delete()

        allauth_private.add_recovery_codes(request_of.user, "ab" * 40)

        ours = Authenticator.objects.get()
        assert (ours.type, ours.data.keys()) == (theirs.type, theirs.data.keys()), (
            "accounts.allauth_private.add_recovery_codes stores the data of RecoveryCodes"
        )
        assert RecoveryCodes(ours).generate_codes()


class TestBackend:
    def test_reads_whether_a_password_was_checked(self):
        mitigated = []

        class Backend(allauth_private.PasswordBackend):
            def find_user(self, email, password):
                self.note_password_check()

            def _mitigate_timing_attack(self, password):
                mitigated.append(password)

        assert Backend().authenticate(None, email="a@example.com", password="wrong") is None
        assert mitigated == [], (
            "accounts.allauth_private.PasswordBackend.note_password_check sets"
            " `_did_check_password`; without it, allauth computes a second hash"
        )
