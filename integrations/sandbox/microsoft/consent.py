"""
What the person sees: pick an account, agree; or hear that an administrator must.

One form, posted to `/{tenant}/oauth2/v2.0/decision`, with `request` (hidden), `account` and the
buttons `decision=accept`, `decision=cancel`; on the page of a company that wants its administrator
asked, `decision=request`. Microsoft has no boxes per permission: all or nothing.
"""

import secrets
from html import escape

from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.authorize import (
    Pending,
    Returned,
    allow,
    covered,
    failed,
    read,
)
from integrations.sandbox.microsoft.metadata import tenant_of
from integrations.sandbox.microsoft.pages import Refusal, accounts, button, form, page
from integrations.sandbox.world import World

# Whoever accepts has met what was asked for in `claims`.
_SECOND = "<p>Verify your identity: approve the request on your phone, then accept.</p>"


def authorize(world: World, call: Call, path: str) -> Answer:
    tenant_of(world, path)
    try:
        pending = read(world, call, path)
        if number := int(world.dials.graph_authorization_code):
            return failed(world, pending, number)
        return _answer(world, pending)
    except Refusal as refusal:
        return refusal.page
    except Returned as returned:
        return returned.answer


def _answer(world: World, pending: Pending) -> Answer:
    welcome = world.microsoft.people.welcome(pending.path)
    hinted = world.microsoft.people.find(pending.login_hint) if pending.login_hint else None
    if hinted and hinted not in welcome:
        raise Refusal(world, 50020)
    silent = "none" in pending.prompts
    if silent and (hinted is None or not covered(world, pending, hinted)):
        number, error = (65001, "consent_required") if hinted else (50058, "login_required")
        return failed(world, pending, number, error=error)
    asks = pending.prompts & {"consent", "select_account"} or pending.claims
    if hinted and not asks and covered(world, pending, hinted):
        return _allowed(world, pending, hinted)
    key = secrets.token_urlsafe(24)
    world.microsoft.pending[key] = pending
    known = hinted if "select_account" not in pending.prompts else None
    name = escape(pending.client.name)
    items = "".join(f"<li>{escape(names.words(scope))}</li>" for scope in pending.scopes)
    body = form(
        f"/{pending.path}/oauth2/v2.0/decision",
        key,
        accounts(welcome, known),
        f"<p>{name} would like to:</p><ul>{items}</ul>{_SECOND if pending.claims else ''}",
        button("cancel", "Cancel"),
        button("accept", "Accept"),
    )
    return page("Permissions requested", body)


def decide(world: World, call: Call, path: str) -> Answer:
    """The posted form. One answer per page: the request is used up by any decision."""
    pending = world.microsoft.pending.pop(call.form.get("request", ""), None)
    if pending is None or pending.is_admins or pending.path != path:
        return Refusal(world, 9002313).page
    decision = call.form.get("decision")
    account = world.microsoft.people.find(call.form.get("account", ""))
    if decision == "cancel":
        return failed(world, pending, 65004, error_subcode="cancel")
    if account is None or account not in world.microsoft.people.welcome(path):
        return Refusal(world, 50020 if account else 50034).page
    if decision == "request":
        return _requested(world, pending, account)
    try:
        return _allowed(world, pending, account)
    except Refusal as refusal:
        return refusal.page


def _allowed(world: World, pending: Pending, account: Account) -> Answer:
    if account.is_disabled:
        raise Refusal(world, 50057)
    tenant = world.microsoft.people.tenants.get(account.tid)
    client_id = pending.client.client_id
    if tenant and account.oid not in tenant.assigned_only.get(client_id, {account.oid}):
        raise Refusal(world, 50105)
    wants = any(map(names.wants_administrator, pending.scopes))
    guarded = tenant is not None and tenant.consent == "admin" and wants
    forced = "consent" in pending.prompts
    if guarded and not account.is_admin and (forced or not covered(world, pending, account)):
        return _needs_approval(world, pending, account)
    return allow(world, pending, account)


def _needs_approval(world: World, pending: Pending, account: Account) -> Answer:
    """With the tenant's workflow on there is a way to ask; without, the journey ends here."""
    tenant = world.microsoft.people.tenants[account.tid]
    name = escape(pending.client.name)
    if not tenant.workflow:
        return page(
            "Need admin approval",
            f"<p>{name} needs permission to access resources in your organization that only an "
            "admin can grant. Please ask an admin to grant permission to this app before you can "
            "use it.</p><p>AADSTS90094</p>",
        )
    key = secrets.token_urlsafe(24)
    world.microsoft.pending[key] = pending
    body = form(
        f"/{pending.path}/oauth2/v2.0/decision",
        key,
        accounts([], account),
        f"<p>{name} requires your admin's approval. AADSTS90095</p>"
        '<p><label>Enter justification <textarea name="justification"></textarea></label></p>',
        button("cancel", "Cancel"),
        button("request", "Request approval"),
    )
    return page("Approval required", body)


def _requested(world: World, pending: Pending, account: Account) -> Answer:
    """Filed, and yet the client reads that the person declined."""
    tenant = world.microsoft.people.tenants[account.tid]
    tenant.requests.append((pending.client.client_id, account.oid))
    return failed(world, pending, 65004, error_subcode="cancel")
