"""
Consent for a whole tenant: `/{organizations or a tenant}/v2.0/adminconsent`.

Its form goes to `…/decision`: `request`, `account`, `decision=accept` or `cancel`. It yields no
tokens, and the answer is not signed.
"""

import secrets
from html import escape

from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import PERSONAL_TENANT
from integrations.sandbox.microsoft.authorize import (
    EntraConsentRequest,
    find_client,
    redirect_to_client,
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


def show_admin_consent_page(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    if get_issuer_tenant(state, path) == PERSONAL_TENANT or path == "common":
        return EntraPageError(state, 9002313).page
    try:
        client, redirect_uri = find_client(state, call)
    except EntraPageError as refusal:
        return refusal.page
    pending = EntraConsentRequest(
        client=client,
        path=path,
        redirect_uri=redirect_uri,
        state=call.get_param("state") if "state" in call.query else None,
        scopes=tuple(call.get_param("scope").split()),
        is_for_admin=True,
    )
    if not pending.scopes or not all(map(names.is_known_scope, pending.scopes)):
        return return_error(state, pending, 70011)
    key = secrets.token_urlsafe(24)
    state.microsoft.consent_requests[key] = pending
    items = "".join(f"<li>{escape(names.describe_scope(scope))}</li>" for scope in pending.scopes)
    body = render_form(
        f"/{path}/v2.0/adminconsent/decision",
        key,
        render_accounts(state.microsoft.accounts.list_allowed(path), None),
        f"<p>{escape(client.name)} would like to, for your organization:</p><ul>{items}</ul>",
        render_button("cancel", "Cancel"),
        render_button("accept", "Accept"),
    )
    return render_page("Permissions requested: review for your organization", body)


def handle_admin_decision(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    pending = state.microsoft.consent_requests.pop(call.form.get("request", ""), None)
    if pending is None or not pending.is_for_admin or pending.path != path:
        return EntraPageError(state, 9002313).page
    if call.form.get("decision") != "accept":
        return return_error(state, pending, 65004, error="consent_required")
    account = state.microsoft.accounts.find(call.form.get("account", ""))
    if account is None or account not in state.microsoft.accounts.list_allowed(path):
        return EntraPageError(state, 50020).page
    if not account.is_admin:
        return EntraPageError(state, 90094).page
    tenant = state.microsoft.accounts.tenants[account.tid]
    client_id = pending.client.client_id
    known_scopes = tenant.admin_consents.get(client_id, frozenset())
    tenant.admin_consents[client_id] = known_scopes | names.to_bare_scopes(pending.scopes)
    tenant.requests = [filed for filed in tenant.requests if filed[0] != client_id]
    values = {"admin_consent": "True", "tenant": tenant.tid, "scope": " ".join(pending.scopes)}
    return redirect_to_client(state, pending, values)
