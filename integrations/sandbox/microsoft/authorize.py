"""
The authorization endpoint: validates the request and redirects back to the client.

`/{common, organizations, consumers or a tenant}/oauth2/v2.0/authorize`.
"""

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from integrations.sandbox.accounts import OAuthClient
from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraCode
from integrations.sandbox.microsoft.html_pages import HTML, EntraPageError
from integrations.sandbox.microsoft.scopes import (
    SIGN_IN,
    is_foreign_scope,
    is_known_scope,
    to_bare_scopes,
)
from integrations.sandbox.state import SandboxState

PROMPTS = frozenset({"login", "none", "consent", "select_account"})
MAX_REDIRECT_LENGTH = 256


@dataclass(frozen=True)
class EntraConsentRequest:
    """`path` is the tenant part of the URL."""

    client: OAuthClient
    path: str
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...] = ()
    nonce: str = ""
    challenge: str = ""
    prompts: frozenset[str] = field(default_factory=frozenset)
    login_hint: str = ""
    claims: str = ""
    is_for_admin: bool = False


class ReturnedToClient(Exception):
    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def find_client(state: SandboxState, call: HttpCall) -> tuple[OAuthClient, str]:
    """:raises EntraPageError: not registered; nothing may be sent there"""
    client = state.clients.get(call.get_param("client_id"))
    if client is None or client.deleted:
        raise EntraPageError(state, 700016)
    redirect_uri = call.get_param("redirect_uri")
    if len(redirect_uri) > MAX_REDIRECT_LENGTH or not is_registered(client, redirect_uri):
        raise EntraPageError(state, 50011)
    return client, redirect_uri


def is_registered(client: OAuthClient, redirect_uri: str) -> bool:
    """Only http://localhost may have any port."""
    if redirect_uri in client.redirect_uris:
        return True
    wanted_url = urlsplit(redirect_uri)
    if (wanted_url.scheme, wanted_url.hostname) != ("http", "localhost"):
        return False
    registered = {
        (url.scheme, url.hostname, url.path) for url in map(urlsplit, client.redirect_uris)
    }
    return (wanted_url.scheme, wanted_url.hostname, wanted_url.path) in registered


def read_consent_request(state: SandboxState, call: HttpCall, path: str) -> EntraConsentRequest:
    """
    :raises EntraPageError: shown on Microsoft's page
    :raises ReturnedToClient: sent back to the client
    """
    client, redirect_uri = find_client(state, call)
    if path in ("common", "organizations", "consumers") and client.tenant:
        raise EntraPageError(state, 50194)
    if any(len(values) > 1 for values in call.query.values()):
        raise EntraPageError(state, 9002313)
    pending = EntraConsentRequest(
        client=client,
        path=path,
        redirect_uri=redirect_uri,
        state=call.get_param("state") if "state" in call.query else None,
        scopes=tuple(dict.fromkeys(call.get_param("scope").split())),
        nonce=call.get_param("nonce"),
        challenge=call.get_param("code_challenge"),
        prompts=frozenset(call.get_param("prompt").split()),
        login_hint=call.get_param("login_hint"),
        claims=call.get_param("claims"),
    )
    method = call.get_param("code_challenge_method")
    if (
        call.get_param("response_type") != "code"
        or call.get_param("response_mode", "query") != "query"
    ):
        raise ReturnedToClient(return_error(state, pending, 9002313))
    if pending.challenge and method != "S256":
        raise ReturnedToClient(return_error(state, pending, 9002313))
    if state.knobs.require_pkce and not pending.challenge:
        raise ReturnedToClient(return_error(state, pending, 9002313))
    if not pending.prompts <= PROMPTS or ("none" in pending.prompts and len(pending.prompts) > 1):
        raise ReturnedToClient(return_error(state, pending, 9002313))
    if any(map(is_foreign_scope, pending.scopes)):
        raise ReturnedToClient(return_error(state, pending, 700022))
    if not pending.scopes or not all(map(is_known_scope, pending.scopes)):
        raise ReturnedToClient(return_error(state, pending, 70011))
    return pending


def is_covered(
    state: SandboxState, pending: EntraConsentRequest, account: MicrosoftAccount
) -> bool:
    """Return whether the account or its tenant has consented to all scopes."""
    tenant = state.microsoft.accounts.tenants.get(account.tid)
    client_id = pending.client.client_id
    tenant_scopes = tenant.admin_consents.get(client_id, frozenset()) if tenant else frozenset()
    own_scopes = state.microsoft.grants.get_consent(client_id, account.oid)
    return to_bare_scopes(pending.scopes) - SIGN_IN <= tenant_scopes | own_scopes and bool(
        tenant_scopes | own_scopes
    )


def grant_code(
    state: SandboxState, pending: EntraConsentRequest, account: MicrosoftAccount
) -> HttpAnswer:
    """Knobs can withhold or add scopes."""
    withheld_scopes = to_bare_scopes(state.knobs.graph_withheld_scopes.split())
    granted = [scope for scope in pending.scopes if not to_bare_scopes([scope]) & withheld_scopes]
    granted += state.knobs.graph_extra_scopes.split()
    code = EntraCode(
        code=f"1.A{secrets.token_urlsafe(200)}",
        client_id=pending.client.client_id,
        path=pending.path,
        redirect_uri=pending.redirect_uri,
        oid=account.oid,
        scopes=tuple(granted),
        nonce=pending.nonce,
        challenge=pending.challenge,
        expires_at=state.clock.now() + state.knobs.code_seconds,
    )
    state.microsoft.grants.meet_claims(account.oid, pending.claims)
    state.microsoft.grants.add_consent(code.client_id, account.oid, code.scopes)
    state.microsoft.grants.codes[code.code] = code
    return redirect_to_client(
        state, pending, {"code": code.code}, {"session_state": secrets.token_urlsafe(16)}
    )


def return_error(
    state: SandboxState, pending: EntraConsentRequest, number: int, *, error: str = "", **extra: str
) -> HttpAnswer:
    values = {
        "error": error or problems.AADSTS_ERRORS[number].error,
        **extra,
        "error_description": problems.describe_error(number, state.clock.now()),
    }
    error_uri = {"error_uri": f"https://login.microsoftonline.com/error?code={number}"}
    return redirect_to_client(state, pending, values, error_uri)


def redirect_to_client(
    state: SandboxState,
    pending: EntraConsentRequest,
    values: dict[str, str],
    trailing: dict[str, str] | None = None,
) -> HttpAnswer:
    state_param: dict[str, str] = {}
    if pending.state is not None and state.knobs.callback_state != "missing":
        is_right = state.knobs.callback_state == "right"
        state_param["state"] = pending.state if is_right else "not-the-state"
    base = pending.redirect_uri
    if not urlsplit(base).path:
        base += "/"
    location = f"{base}?{urlencode(values | state_param | (trailing or {}))}"
    return HttpAnswer(302, b"", {"Location": location, "Cache-Control": "no-store"}, HTML)
