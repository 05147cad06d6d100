"""
The authorization endpoint and its consent page.

Its form goes to `/o/oauth2/v2/auth/decision` with `request` (hidden), `account` (radio or hidden:
the e-mail), `scope` (ticked boxes) and `decision=allow` or `decision=cancel`. Closing the page
sends nothing. With `trigger_onepick=true` it is the picker of `drive/picker.py`.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import scopes as scope_names
from integrations.sandbox.google.consent_pages import (
    HTML,
    PAGE_HEADERS,
    GoogleConsentRequest,
    GooglePageError,
    render_consent_page,
)
from integrations.sandbox.google.drive import picker
from integrations.sandbox.google.grants import GoogleCode
from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.state import SandboxState


def show_consent_page(state: SandboxState, call: HttpCall) -> HttpAnswer:  # noqa: PLR0911 - one per outcome
    try:
        pending = _read_consent_request(state, call)
    except GooglePageError as refusal:
        return refusal.page
    if call.get_param("response_type") != "code":
        return _return_error(state, pending, "unsupported_response_type")
    if state.knobs.authorization_error:
        return _return_error(state, pending, state.knobs.authorization_error)
    hinted = state.accounts.find(pending.login_hint) if pending.login_hint else None
    grant = state.grants.get_grant(pending.client.project, hinted.sub) if hinted else None
    covered = grant is not None and set(pending.scopes) <= grant.scopes
    if "none" in pending.prompts:
        if hinted is None or not covered:
            error = "interaction_required" if hinted else "login_required"
            return _return_error(state, pending, error)
        return _grant_access(state, pending, hinted, pending.scopes, consented=False)
    if hinted and covered and not pending.prompts & {"consent", "select_account"}:
        return _grant_access(state, pending, hinted, pending.scopes, consented=False)
    key = secrets.token_urlsafe(24)
    state.consent_requests[key] = pending
    return HttpAnswer(
        200, render_consent_page(state, key, pending, hinted).encode(), PAGE_HEADERS, HTML
    )


def _read_consent_request(state: SandboxState, call: HttpCall) -> GoogleConsentRequest:
    """:raises GooglePageError: nothing may be sent to this redirect_uri"""
    client = state.clients.get(call.get_param("client_id"))
    if client is None:
        raise GooglePageError("invalid_client", "The OAuth client was not found.", 401)
    if client.deleted:
        raise GooglePageError("deleted_client", "The OAuth client was deleted.", 401)
    redirect_uri = call.get_param("redirect_uri")
    if redirect_uri not in client.redirect_uris:
        raise GooglePageError(
            "redirect_uri_mismatch", f"redirect_uri={redirect_uri} is not registered."
        )
    repeated = [name for name, values in call.query.items() if len(values) > 1]
    if repeated:
        raise GooglePageError(
            "invalid_request", f"OAuth 2 parameters can only have a single value: {repeated[0]}"
        )
    scopes = call.get_param("scope").split()
    if not scopes:
        raise GooglePageError("invalid_request", "Missing required parameter: scope")
    if unknown := [scope for scope in scopes if not scope_names.is_known_scope(scope)]:
        raise GooglePageError("invalid_scope", f"Some requested scopes were invalid. {unknown}")
    challenge = call.get_param("code_challenge")
    method = call.get_param("code_challenge_method") or ("plain" if challenge else "")
    if method not in ("", "plain", "S256") or (state.knobs.require_pkce and method != "S256"):
        raise GooglePageError(
            "invalid_request", "Invalid parameter value for code_challenge_method"
        )
    if "none" in (prompts := frozenset(call.get_param("prompt").split())) and len(prompts) > 1:
        raise GooglePageError("invalid_request", "Invalid parameter value for prompt")
    scopes = list(scope_names.normalize_scopes(scopes))
    try:
        picker_options = picker.read_options(call, scopes, prompts)
    except picker.PickerError as error:
        raise GooglePageError("invalid_request", str(error)) from error
    return GoogleConsentRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=tuple(scopes),
        state=call.get_param("state") if "state" in call.query else None,
        nonce=call.get_param("nonce"),
        challenge=challenge,
        challenge_method=method,
        offline=call.get_param("access_type") == "offline",
        prompts=prompts,
        login_hint=call.get_param("login_hint"),
        include_granted=call.get_param("include_granted_scopes") == "true",
        picker=picker_options,
    )


def handle_decision(state: SandboxState, call: HttpCall) -> HttpAnswer:
    """Any decision uses up the request."""
    pending = state.consent_requests.pop(call.form.get("request", ""), None)
    if pending is None:
        return GooglePageError("invalid_request", "This page has expired. Start again.").page
    if call.form.get("decision") != "allow":
        return _return_error(state, pending, "access_denied")
    account = state.accounts.find(call.form.get("account", ""))
    if account is None:
        return GooglePageError("invalid_request", "Couldn't find your Google Account.").page
    if pending.picker:
        return _grant_picked_files(state, pending, pending.picker, account, call)
    ticked = set(scope_names.normalize_scopes(_get_form_values(call, "scope")))
    if not state.knobs.sign_in_scopes_tickable:
        ticked |= scope_names.SIGN_IN
    granted = tuple(scope for scope in pending.scopes if scope in ticked)
    if not granted:
        return _return_error(state, pending, "access_denied")
    return _grant_access(state, pending, account, granted, consented="consent" in pending.prompts)


def _grant_picked_files(
    state: SandboxState,
    pending: GoogleConsentRequest,
    options: picker.PickerOptions,
    account: SandboxAccount,
    call: HttpCall,
) -> HttpAnswer:
    file_ids = _get_form_values(call, "file")
    try:
        picker.pick_files(account, pending.client.project, options, file_ids)
    except picker.PickerError as error:
        return GooglePageError("invalid_request", str(error)).page
    more = {"picked_file_ids": ",".join(file_ids)} if file_ids else {}
    return _grant_access(state, pending, account, pending.scopes, consented=True, more=more)


def _get_form_values(call: HttpCall, name: str) -> list[str]:
    from urllib.parse import parse_qs

    return parse_qs(call.body.decode("utf-8", "replace")).get(name, [])


def _grant_access(  # noqa: PLR0913 - the parts of a code
    state: SandboxState,
    pending: GoogleConsentRequest,
    account: SandboxAccount,
    granted: tuple[str, ...],
    *,
    consented: bool,
    more: Mapping[str, str] = MappingProxyType({}),
) -> HttpAnswer:
    """:param more: parameters of the callback"""
    scopes = granted
    if pending.include_granted:
        grant = state.grants.get_grant(pending.client.project, account.sub)
        scopes = scope_names.normalize_scopes([*granted, *sorted(grant.scopes if grant else ())])
    code = GoogleCode(
        code=f"4/0A{secrets.token_urlsafe(52)}",
        client_id=pending.client.client_id,
        project=pending.client.project,
        redirect_uri=pending.redirect_uri,
        sub=account.sub,
        scopes=scopes,
        nonce=pending.nonce,
        challenge=pending.challenge,
        challenge_method=pending.challenge_method,
        offline=pending.offline,
        consented=consented,
        expires_at=state.clock.now() + state.knobs.code_seconds,
    )
    state.grants.codes[code.code] = code
    params = {"code": code.code, "scope": " ".join(scopes), "authuser": "0"}
    if account.hosted_domain:
        params["hd"] = account.hosted_domain
    params |= {"prompt": " ".join(sorted(pending.prompts)) or "none", **more}
    return _redirect_to_client(state, pending, params)


def _return_error(state: SandboxState, pending: GoogleConsentRequest, error: str) -> HttpAnswer:
    return _redirect_to_client(state, pending, {"error": error})


def _redirect_to_client(
    state: SandboxState, pending: GoogleConsentRequest, values: dict[str, str]
) -> HttpAnswer:
    leading: dict[str, str] = {}
    if pending.state is not None and state.knobs.callback_state != "missing":
        is_right = state.knobs.callback_state == "right"
        leading["state"] = pending.state if is_right else "not-the-state"
    if state.knobs.callback_iss != "missing":
        is_right = state.knobs.callback_iss == "right"
        leading["iss"] = state.issuer if is_right else "https://accounts.example.org"
    separator = "&" if "?" in pending.redirect_uri else "?"
    location = f"{pending.redirect_uri}{separator}{urlencode(leading | values)}"
    return HttpAnswer(302, b"", {"Location": location, "Cache-Control": "no-store"}, HTML)
