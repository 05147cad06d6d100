"""
Consent pages: accept, or learn that an administrator must.

Their form goes to `/{tenant}/oauth2/v2.0/decision` with `request` (hidden), `account` and
`decision=accept`, `cancel` or `request`. Microsoft has no box per permission.
"""

import secrets
from html import escape

from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.authorize import (
    EntraConsentRequest,
    ReturnedToClient,
    grant_code,
    is_covered,
    read_consent_request,
    return_error,
)
from integrations.sandbox.microsoft.html_pages import (
    EntraPageError,
    render_accounts,
    render_button,
    render_form,
    render_page,
)
from integrations.sandbox.microsoft.metadata import get_issuer_tenant
from integrations.sandbox.state import SandboxState

# Accepting the page meets the required `claims`.
_SECOND_FACTOR = "<p>Verify your identity: approve the request on your phone, then accept.</p>"


def show_consent_page(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    get_issuer_tenant(state, path)
    try:
        pending = read_consent_request(state, call, path)
        if number := int(state.knobs.graph_authorization_code):
            return return_error(state, pending, number)
        return _answer_consent_request(state, pending)
    except EntraPageError as refusal:
        return refusal.page
    except ReturnedToClient as returned:
        return returned.answer


def _answer_consent_request(state: SandboxState, pending: EntraConsentRequest) -> HttpAnswer:
    allowed = state.microsoft.accounts.list_allowed(pending.path)
    hinted = state.microsoft.accounts.find(pending.login_hint) if pending.login_hint else None
    if hinted and hinted not in allowed:
        raise EntraPageError(state, 50020)
    is_silent = "none" in pending.prompts
    if is_silent and (hinted is None or not is_covered(state, pending, hinted)):
        number, error = (65001, "consent_required") if hinted else (50058, "login_required")
        return return_error(state, pending, number, error=error)
    must_ask = pending.prompts & {"consent", "select_account"} or pending.claims
    if hinted and not must_ask and is_covered(state, pending, hinted):
        return _allow_account(state, pending, hinted)
    key = secrets.token_urlsafe(24)
    state.microsoft.consent_requests[key] = pending
    known_account = hinted if "select_account" not in pending.prompts else None
    name = escape(pending.client.name)
    items = "".join(f"<li>{escape(names.describe_scope(scope))}</li>" for scope in pending.scopes)
    body = render_form(
        f"/{pending.path}/oauth2/v2.0/decision",
        key,
        render_accounts(allowed, known_account),
        f"<p>{name} would like to:</p><ul>{items}</ul>{_SECOND_FACTOR if pending.claims else ''}",
        render_button("cancel", "Cancel"),
        render_button("accept", "Accept"),
    )
    return render_page("Permissions requested", body)


def handle_decision(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    """Any decision uses up the request."""
    pending = state.microsoft.consent_requests.pop(call.form.get("request", ""), None)
    if pending is None or pending.is_for_admin or pending.path != path:
        return EntraPageError(state, 9002313).page
    decision = call.form.get("decision")
    account = state.microsoft.accounts.find(call.form.get("account", ""))
    if decision == "cancel":
        return return_error(state, pending, 65004, error_subcode="cancel")
    if account is None or account not in state.microsoft.accounts.list_allowed(path):
        return EntraPageError(state, 50020 if account else 50034).page
    if decision == "request":
        return _file_request(state, pending, account)
    try:
        return _allow_account(state, pending, account)
    except EntraPageError as refusal:
        return refusal.page


def _allow_account(
    state: SandboxState, pending: EntraConsentRequest, account: MicrosoftAccount
) -> HttpAnswer:
    if account.is_disabled:
        raise EntraPageError(state, 50057)
    tenant = state.microsoft.accounts.tenants.get(account.tid)
    client_id = pending.client.client_id
    if tenant and account.oid not in tenant.assigned_only.get(client_id, {account.oid}):
        raise EntraPageError(state, 50105)
    needs_administrator = any(map(names.needs_administrator, pending.scopes))
    is_guarded = tenant is not None and tenant.consent == "admin" and needs_administrator
    is_forced = "consent" in pending.prompts
    if (
        is_guarded
        and not account.is_admin
        and (is_forced or not is_covered(state, pending, account))
    ):
        return _show_approval_page(state, pending, account)
    return grant_code(state, pending, account)


def _show_approval_page(
    state: SandboxState, pending: EntraConsentRequest, account: MicrosoftAccount
) -> HttpAnswer:
    """With the tenant's workflow on, the account can request approval."""
    tenant = state.microsoft.accounts.tenants[account.tid]
    name = escape(pending.client.name)
    if not tenant.workflow:
        return render_page(
            "Need admin approval",
            f"<p>{name} needs permission to access resources in your organization that only an "
            "admin can grant. Please ask an admin to grant permission to this app before you can "
            "use it.</p><p>AADSTS90094</p>",
        )
    key = secrets.token_urlsafe(24)
    state.microsoft.consent_requests[key] = pending
    body = render_form(
        f"/{pending.path}/oauth2/v2.0/decision",
        key,
        render_accounts([], account),
        f"<p>{name} requires your admin's approval. AADSTS90095</p>"
        '<p><label>Enter justification <textarea name="justification"></textarea></label></p>',
        render_button("cancel", "Cancel"),
        render_button("request", "Request approval"),
    )
    return render_page("Approval required", body)


def _file_request(
    state: SandboxState, pending: EntraConsentRequest, account: MicrosoftAccount
) -> HttpAnswer:
    """The client receives access_denied all the same."""
    tenant = state.microsoft.accounts.tenants[account.tid]
    tenant.requests.append((pending.client.client_id, account.oid))
    return return_error(state, pending, 65004, error_subcode="cancel")
