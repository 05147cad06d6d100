"""
Where an administrator agrees for everybody: `/{organizations or a tenant}/v2.0/adminconsent`.

One form, posted to `/{tenant}/v2.0/adminconsent/decision`: `request`, `account`,
`decision=accept` or `cancel`. No tokens come of it, and nothing in the answer is signed.
"""

import secrets
from html import escape

from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import PERSONAL
from integrations.sandbox.microsoft.authorize import Pending, back, client_of, failed
from integrations.sandbox.microsoft.metadata import tenant_of
from integrations.sandbox.microsoft.pages import Refusal, accounts, button, form, page
from integrations.sandbox.world import World


def ask(world: World, call: Call, path: str) -> Answer:
    if tenant_of(world, path) == PERSONAL or path == "common":
        return Refusal(world, 9002313).page
    try:
        client, redirect_uri = client_of(world, call)
    except Refusal as refusal:
        return refusal.page
    pending = Pending(
        client=client,
        path=path,
        redirect_uri=redirect_uri,
        state=call.first("state") if "state" in call.query else None,
        scopes=tuple(call.first("scope").split()),
        is_admins=True,
    )
    if not pending.scopes or not all(map(names.known, pending.scopes)):
        return failed(world, pending, 70011)
    key = secrets.token_urlsafe(24)
    world.microsoft.pending[key] = pending
    items = "".join(f"<li>{escape(names.words(scope))}</li>" for scope in pending.scopes)
    body = form(
        f"/{path}/v2.0/adminconsent/decision",
        key,
        accounts(world.microsoft.people.welcome(path), None),
        f"<p>{escape(client.name)} would like to, for your organization:</p><ul>{items}</ul>",
        button("cancel", "Cancel"),
        button("accept", "Accept"),
    )
    return page("Permissions requested: review for your organization", body)


def decide(world: World, call: Call, path: str) -> Answer:
    pending = world.microsoft.pending.pop(call.form.get("request", ""), None)
    if pending is None or not pending.is_admins or pending.path != path:
        return Refusal(world, 9002313).page
    if call.form.get("decision") != "accept":
        return failed(world, pending, 65004, error="consent_required")
    account = world.microsoft.people.find(call.form.get("account", ""))
    if account is None or account not in world.microsoft.people.welcome(path):
        return Refusal(world, 50020).page
    if not account.is_admin:
        return Refusal(world, 90094).page
    tenant = world.microsoft.people.tenants[account.tid]
    client_id = pending.client.client_id
    known = tenant.admin_consents.get(client_id, frozenset())
    tenant.admin_consents[client_id] = known | names.bares(pending.scopes)
    tenant.requests = [one for one in tenant.requests if one[0] != client_id]
    values = {"admin_consent": "True", "tenant": tenant.tid, "scope": " ".join(pending.scopes)}
    return back(world, pending, values)
