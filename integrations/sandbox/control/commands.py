"""One control function per command: plain values in and out. `app.py` serves them over HTTP."""

from dataclasses import fields
from typing import Any

from integrations.sandbox.accounts import OAuthClient, SandboxAccount
from integrations.sandbox.control import calendars, drive, mailboxes
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.faults import QueuedFault
from integrations.sandbox.google import problem_names
from integrations.sandbox.google.grants import GoogleGrant
from integrations.sandbox.microsoft.graph import problems as graph_problems
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]
PROBLEMS = problem_names.BY_NAME | graph_problems.BY_NAME


def reset_state(state: SandboxState, _: Values) -> Values:
    state.reset()
    return {}


def add_client(state: SandboxState, values: Values) -> Values:
    """
    {client_id, client_secret, redirect_uris, project?, name?, deleted?, tenant?, secret_expired?};
    replaces a known client.
    """
    client = OAuthClient(
        client_id=require_text(values, "client_id"),
        secret=require_text(values, "client_secret"),
        redirect_uris=list(values.get("redirect_uris", [])),
        project=values.get("project", OAuthClient.project),
        name=values.get("name", OAuthClient.name),
        deleted=bool(values.get("deleted", False)),
        tenant=values.get("tenant", ""),
        secret_expired=bool(values.get("secret_expired", False)),
    )
    state.clients[client.client_id] = client
    return {"client_id": client.client_id}


def add_account(state: SandboxState, values: Values) -> Values:
    """{email, name?, sub?, hosted_domain?, claims?, gmail?, calendar?, drive?: false, …}"""
    email = require_text(values, "email")
    account = SandboxAccount(
        email=email,
        sub=values.get("sub") or SandboxAccount.make_sub(email),
        name=values.get("name") or email.partition("@")[0].replace(".", " ").title(),
        hosted_domain=values.get("hosted_domain", ""),
        claims=dict(values.get("claims", {})),
    )
    if values.get("gmail", True):
        account.mailbox = mailboxes.make_mailbox(state, account, values)
    if values.get("calendar", True):
        calendars.add_calendars(state, account, values.get("calendar_fields", {}))
    if values.get("drive", True):
        drive.add_drive(state, account, values.get("drive_fields", {}))
    state.accounts.add(account)
    state.rendering_caches.pop(account.sub, None)
    return (
        mailboxes.summarize_mailbox(account)
        if account.mailbox
        else {"email": email, "sub": account.sub}
    )


def set_knobs(state: SandboxState, values: Values) -> Values:
    try:
        state.knobs.set_values(values)
    except ValueError as error:
        raise Misuse(str(error)) from error
    return state.knobs.as_dict()


def add_fault(state: SandboxState, values: Values) -> Values:
    """Fields of `QueuedFault`, `body` as text or JSON; or `problem`, a name of `PROBLEMS`."""
    values = dict(values)
    if name := values.pop("problem", ""):
        if name not in PROBLEMS:
            raise Misuse(f"no problem is called {name!r}; there are {sorted(PROBLEMS)}")
        answer = PROBLEMS[name]().answer
        values |= {"status": answer.status, "headers": dict(answer.headers)}
        values["content_type"] = answer.content_type
        values["body"] = answer.body.decode()
    body = values.pop("body", "")
    unknown = set(values) - {field.name for field in fields(QueuedFault)}
    if unknown:
        raise Misuse(f"a fault has no {sorted(unknown)}")
    if not isinstance(body, str):
        import orjson

        body = orjson.dumps(body).decode()
    state.faults.add(QueuedFault(**values, body=body.encode()))
    return {"pending": state.faults.list_pending()}


def clear_faults(state: SandboxState, _: Values) -> Values:
    state.faults.queue.clear()
    return {}


def advance_clock(state: SandboxState, values: Values) -> Values:
    state.clock.advance(float(values["seconds"]))
    return {"now": state.clock.now()}


def _list_grants(state: SandboxState, values: Values) -> list[GoogleGrant]:
    account = mailboxes.find_account(state, values)
    return state.grants.list_grants(account.sub)


def expire_access_tokens(state: SandboxState, values: Values) -> Values:
    """{email}: refresh tokens live."""
    tokens = [token for grant in _list_grants(state, values) for token in grant.access_tokens]
    return {"expired": sum(state.grants.drop_access_token(token) for token in tokens)}


def kill_refresh_tokens(state: SandboxState, values: Values) -> Values:
    """{email} or {token}: the consent stays."""
    tokens = [values["token"]] if "token" in values else [
        token for grant in _list_grants(state, values) for token in grant.refresh_tokens
    ]  # fmt: skip
    return {"killed": sum(state.grants.drop_refresh_token(token) for token in tokens)}


def revoke_grants(state: SandboxState, values: Values) -> Values:
    """{email}: all tokens end at once."""
    grants = _list_grants(state, values)
    for grant in grants:
        state.grants.end_grant(grant)
    return {"revoked": len(grants)}


def change_password(state: SandboxState, values: Values) -> Values:
    return {"killed": state.grants.end_gmail_tokens(mailboxes.find_account(state, values).sub)}


def rotate_keys(state: SandboxState, _: Values) -> Values:
    return {"kid": state.keys.rotate_key()}


def show_grants(state: SandboxState, values: Values) -> Values:
    """{email}: the list of Google's page of connected apps, with the live tokens."""
    return {
        "grants": [
            {
                "project": grant.project,
                "scopes": sorted(grant.scopes),
                "refresh_tokens": list(grant.refresh_tokens),
                "access_tokens": list(grant.access_tokens),
            }
            for grant in _list_grants(state, values)
        ]
    }


def show_counters(state: SandboxState, _: Values) -> Values:
    return state.request_log.get_counters()


def clear_request_log(state: SandboxState, _: Values) -> Values:
    state.request_log.clear()
    state.quota_meter.clear()
    state.microsoft.requests.clear()
    if state.validator:
        state.validator.clear()
    return {}


def show_requests(state: SandboxState, values: Values) -> Values:
    return {"requests": state.request_log.list_requests(values.get("path_prefix", ""))}


def show_violations(state: SandboxState, _: Values) -> Values:
    if state.validator is None:
        raise Misuse("started without --validate")
    validator = state.validator
    return {
        "checked": validator.checked,
        "count": validator.count,
        "violations": list(validator.violations),
    }


def show_accounts(state: SandboxState, _: Values) -> Values:
    return {
        "accounts": [
            {"email": account.email, "sub": account.sub, "name": account.name}
            for account in state.accounts.list_all()
        ]
    }


def show_health(state: SandboxState, _: Values) -> Values:
    return {"url": state.url, "issuer": state.issuer, "now": state.clock.now()}
