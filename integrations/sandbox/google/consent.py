"""
The authorization endpoint and its consent page.

The page is one form, posted to `/o/oauth2/v2/auth/decision` with the fields `request` (hidden),
`account` (radio or hidden: the e-mail), `scope` (one box per scope, ticked) and the buttons
`decision=allow` and `decision=cancel`. Closing the page is the silent abandonment.
"""

import secrets
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from integrations.sandbox.google import scopes as scope_names
from integrations.sandbox.google.grants import Code
from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.people import Client, Person
from integrations.sandbox.world import World

HTML = "text/html; charset=utf-8"
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


@dataclass(frozen=True)
class Pending:
    """An authorization request that waits for its person."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str
    challenge: str
    challenge_method: str
    offline: bool
    prompts: frozenset[str]
    login_hint: str
    include_granted: bool


class Refusal(Exception):
    """Shown on Google's own page; the client never hears of it."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.page = Answer(
            status,
            _page("Access blocked", f"<p>{escape(description)}</p><p>Error {status}: "
                  f"<code>{escape(error)}</code></p>").encode(),
            PAGE_HEADERS,
            HTML,
        )  # fmt: skip


def authorize(world: World, call: Call) -> Answer:  # noqa: PLR0911 - one per outcome
    try:
        pending = _read(world, call)
    except Refusal as refusal:
        return refusal.page
    if call.first("response_type") != "code":
        return _error(world, pending, "unsupported_response_type")
    if world.dials.authorization_error:
        return _error(world, pending, world.dials.authorization_error)
    hinted = world.people.find(pending.login_hint) if pending.login_hint else None
    grant = world.grants.get(pending.client.project, hinted.sub) if hinted else None
    covered = grant is not None and set(pending.scopes) <= grant.scopes
    if "none" in pending.prompts:
        if hinted is None or not covered:
            error = "interaction_required" if hinted else "login_required"
            return _error(world, pending, error)
        return _allow(world, pending, hinted, pending.scopes, consented=False)
    if hinted and covered and not pending.prompts & {"consent", "select_account"}:
        return _allow(world, pending, hinted, pending.scopes, consented=False)
    key = secrets.token_urlsafe(24)
    world.pending[key] = pending
    return Answer(200, _consent_page(world, key, pending, hinted).encode(), PAGE_HEADERS, HTML)


def _read(world: World, call: Call) -> Pending:
    """:raises Refusal: nothing may be sent to this redirect_uri"""
    client = world.clients.get(call.first("client_id"))
    if client is None:
        raise Refusal("invalid_client", "The OAuth client was not found.", 401)
    if client.deleted:
        raise Refusal("deleted_client", "The OAuth client was deleted.", 401)
    redirect_uri = call.first("redirect_uri")
    if redirect_uri not in client.redirect_uris:
        raise Refusal("redirect_uri_mismatch", f"redirect_uri={redirect_uri} is not registered.")
    repeated = [name for name, values in call.query.items() if len(values) > 1]
    if repeated:
        raise Refusal(
            "invalid_request", f"OAuth 2 parameters can only have a single value: {repeated[0]}"
        )
    asked = call.first("scope").split()
    if not asked:
        raise Refusal("invalid_request", "Missing required parameter: scope")
    if unknown := [scope for scope in asked if not scope_names.known(scope)]:
        raise Refusal("invalid_scope", f"Some requested scopes were invalid. {unknown}")
    challenge = call.first("code_challenge")
    method = call.first("code_challenge_method") or ("plain" if challenge else "")
    if method not in ("", "plain", "S256") or (world.dials.require_pkce and method != "S256"):
        raise Refusal("invalid_request", "Invalid parameter value for code_challenge_method")
    if "none" in (prompts := frozenset(call.first("prompt").split())) and len(prompts) > 1:
        raise Refusal("invalid_request", "Invalid parameter value for prompt")
    return Pending(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scope_names.normalised(asked),
        state=call.first("state") if "state" in call.query else None,
        nonce=call.first("nonce"),
        challenge=challenge,
        challenge_method=method,
        offline=call.first("access_type") == "offline",
        prompts=prompts,
        login_hint=call.first("login_hint"),
        include_granted=call.first("include_granted_scopes") == "true",
    )


def decide(world: World, call: Call) -> Answer:
    """The posted form. One answer per page: the request is used up by any decision."""
    pending = world.pending.pop(call.form.get("request", ""), None)
    if pending is None:
        return Refusal("invalid_request", "This page has expired. Start again.").page
    if call.form.get("decision") != "allow":
        return _error(world, pending, "access_denied")
    person = world.people.find(call.form.get("account", ""))
    if person is None:
        return Refusal("invalid_request", "Couldn't find your Google Account.").page
    ticked = set(scope_names.normalised(_values(call, "scope")))
    if not world.dials.sign_in_scopes_tickable:
        ticked |= scope_names.SIGN_IN
    granted = tuple(scope for scope in pending.scopes if scope in ticked)
    if not granted:
        return _error(world, pending, "access_denied")
    return _allow(world, pending, person, granted, consented="consent" in pending.prompts)


def _values(call: Call, name: str) -> list[str]:
    from urllib.parse import parse_qs

    return parse_qs(call.body.decode("utf-8", "replace")).get(name, [])


def _allow(
    world: World, pending: Pending, person: Person, granted: tuple[str, ...], *, consented: bool
) -> Answer:
    scopes = granted
    if pending.include_granted:
        grant = world.grants.get(pending.client.project, person.sub)
        scopes = scope_names.normalised([*granted, *sorted(grant.scopes if grant else ())])
    code = Code(
        code=f"4/0A{secrets.token_urlsafe(52)}",
        client_id=pending.client.client_id,
        project=pending.client.project,
        redirect_uri=pending.redirect_uri,
        sub=person.sub,
        scopes=scopes,
        nonce=pending.nonce,
        challenge=pending.challenge,
        challenge_method=pending.challenge_method,
        offline=pending.offline,
        consented=consented,
        expires_at=world.clock.now() + world.dials.code_seconds,
    )
    world.grants.codes[code.code] = code
    more = {"code": code.code, "scope": " ".join(scopes), "authuser": "0"}
    if person.hosted_domain:
        more["hd"] = person.hosted_domain
    return _back(world, pending, more | {"prompt": " ".join(sorted(pending.prompts)) or "none"})


def _error(world: World, pending: Pending, error: str) -> Answer:
    return _back(world, pending, {"error": error})


def _back(world: World, pending: Pending, values: dict[str, str]) -> Answer:
    first: dict[str, str] = {}
    if pending.state is not None and world.dials.callback_state != "missing":
        right = world.dials.callback_state == "right"
        first["state"] = pending.state if right else "not-the-state"
    if world.dials.callback_iss != "missing":
        right = world.dials.callback_iss == "right"
        first["iss"] = world.issuer if right else "https://accounts.example.org"
    joint = "&" if "?" in pending.redirect_uri else "?"
    location = f"{pending.redirect_uri}{joint}{urlencode(first | values)}"
    return Answer(302, b"", {"Location": location, "Cache-Control": "no-store"}, HTML)


def _consent_page(world: World, key: str, pending: Pending, hinted: Person | None) -> str:
    name = escape(pending.client.name)
    body = [
        f"<p>{name} wants to access your Google Account</p>",
        '<form method="post" action="/o/oauth2/v2/auth/decision">',
        f'<input type="hidden" name="request" value="{key}">',
        _accounts(world, pending, hinted),
        f"<fieldset><legend>Select what {name} can access</legend>",
        *(_scope(scope, tickable=world.dials.sign_in_scopes_tickable) for scope in pending.scopes),
        "</fieldset><p>",
        '<button type="submit" name="decision" value="cancel">Cancel</button> ',
        '<button type="submit" name="decision" value="allow">Allow</button></p></form>',
    ]
    return _page("Sign in - Google Accounts (sandbox)", "\n".join(body))


def _accounts(world: World, pending: Pending, hinted: Person | None) -> str:
    if hinted and "select_account" not in pending.prompts:
        email = escape(hinted.email)
        return (
            f'<p><strong>{email}</strong></p><input type="hidden" name="account" value="{email}">'
        )
    chosen = hinted or next(iter(world.people.all()), None)
    boxes = [
        f'<p><label><input type="radio" name="account" value="{escape(person.email)}"'
        f"{' checked' if person is chosen else ''}> {escape(person.name)} "
        f"({escape(person.email)})</label></p>"
        for person in world.people.all()
    ]
    return f"<fieldset><legend>Choose an account</legend>{''.join(boxes)}</fieldset>"


def _scope(scope: str, *, tickable: bool) -> str:
    words = escape(scope_names.words(scope))
    if scope in scope_names.SIGN_IN and not tickable:
        return f"<p>{words}</p>"
    return (
        f'<p><label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"{words}</label></p>"
    )


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto }}
fieldset {{ border: 1px solid #ccc; border-radius: 8px; margin: 1rem 0 }}
button {{ font: inherit; padding: .5rem 1.5rem; border-radius: 4px; border: 1px solid #888 }}
</style></head><body><main><h1>{escape(title)}</h1>
{body}
</main></body></html>
"""
