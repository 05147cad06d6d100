"""
The authorization endpoint: what is asked, by whom, and where the answer goes.

`/{common, organizations, consumers or a tenant}/oauth2/v2.0/authorize`.
"""

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Code
from integrations.sandbox.microsoft.pages import HTML, Refusal
from integrations.sandbox.microsoft.scopes import SIGN_IN, bares, is_foreign, known
from integrations.sandbox.people import Client
from integrations.sandbox.world import World

PROMPTS = frozenset({"login", "none", "consent", "select_account"})
LONGEST_REDIRECT = 256


@dataclass(frozen=True)
class Pending:
    """A request that waits for its person. `path` is the tenant part of the address."""

    client: Client
    path: str
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...] = ()
    nonce: str = ""
    challenge: str = ""
    prompts: frozenset[str] = field(default_factory=frozenset)
    login_hint: str = ""
    claims: str = ""
    # The reason on top of the page, and whether this is the administrator's page.
    is_admins: bool = False


class Returned(Exception):
    """The browser goes back with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def client_of(world: World, call: Call) -> tuple[Client, str]:
    """
    The client, and the address that may be answered to.

    :raises Refusal: one of both is not registered (nothing may be sent there)
    """
    client = world.clients.get(call.first("client_id"))
    if client is None or client.deleted:
        raise Refusal(world, 700016)
    redirect_uri = call.first("redirect_uri")
    if len(redirect_uri) > LONGEST_REDIRECT or not is_registered(client, redirect_uri):
        raise Refusal(world, 50011)
    return client, redirect_uri


def is_registered(client: Client, redirect_uri: str) -> bool:
    """Exactly, except that http://localhost may have any port."""
    if redirect_uri in client.redirect_uris:
        return True
    asked = urlsplit(redirect_uri)
    if (asked.scheme, asked.hostname) != ("http", "localhost"):
        return False
    shapes = {(p.scheme, p.hostname, p.path) for p in map(urlsplit, client.redirect_uris)}
    return (asked.scheme, asked.hostname, asked.path) in shapes


def read(world: World, call: Call, path: str) -> Pending:
    """
    :raises Refusal: shown on Microsoft's page
    :raises Returned: sent back to the client
    """
    client, redirect_uri = client_of(world, call)
    if path in ("common", "organizations", "consumers") and client.tenant:
        raise Refusal(world, 50194)
    if any(len(values) > 1 for values in call.query.values()):
        raise Refusal(world, 9002313)
    pending = Pending(
        client=client,
        path=path,
        redirect_uri=redirect_uri,
        state=call.first("state") if "state" in call.query else None,
        scopes=tuple(dict.fromkeys(call.first("scope").split())),
        nonce=call.first("nonce"),
        challenge=call.first("code_challenge"),
        prompts=frozenset(call.first("prompt").split()),
        login_hint=call.first("login_hint"),
        claims=call.first("claims"),
    )
    method = call.first("code_challenge_method")
    if call.first("response_type") != "code" or call.first("response_mode", "query") != "query":
        raise Returned(failed(world, pending, 9002313))
    if pending.challenge and method != "S256":
        raise Returned(failed(world, pending, 9002313))
    if world.dials.require_pkce and not pending.challenge:
        raise Returned(failed(world, pending, 9002313))
    if not pending.prompts <= PROMPTS or ("none" in pending.prompts and len(pending.prompts) > 1):
        raise Returned(failed(world, pending, 9002313))
    if any(map(is_foreign, pending.scopes)):
        raise Returned(failed(world, pending, 700022))
    if not pending.scopes or not all(map(known, pending.scopes)):
        raise Returned(failed(world, pending, 70011))
    return pending


def covered(world: World, pending: Pending, account: Account) -> bool:
    """Whether all that is asked was agreed to before, by the person or for everybody."""
    tenant = world.microsoft.people.tenants.get(account.tid)
    client_id = pending.client.client_id
    everybody = tenant.admin_consents.get(client_id, frozenset()) if tenant else frozenset()
    mine = world.microsoft.grants.agreed(client_id, account.oid)
    return bares(pending.scopes) - SIGN_IN <= everybody | mine and bool(everybody | mine)


def allow(world: World, pending: Pending, account: Account) -> Answer:
    """A code for what was agreed to, less (or more) than asked if the dial says so."""
    narrow = bares(world.dials.graph_withheld_scopes.split())
    granted = [scope for scope in pending.scopes if not bares([scope]) & narrow]
    granted += world.dials.graph_extra_scopes.split()
    code = Code(
        code=f"1.A{secrets.token_urlsafe(200)}",
        client_id=pending.client.client_id,
        path=pending.path,
        redirect_uri=pending.redirect_uri,
        oid=account.oid,
        scopes=tuple(granted),
        nonce=pending.nonce,
        challenge=pending.challenge,
        expires_at=world.clock.now() + world.dials.code_seconds,
    )
    world.microsoft.grants.meet(account.oid, pending.claims)
    world.microsoft.grants.agree(code.client_id, account.oid, code.scopes)
    world.microsoft.grants.codes[code.code] = code
    return back(world, pending, {"code": code.code}, {"session_state": secrets.token_urlsafe(16)})


def failed(world: World, pending: Pending, number: int, *, error: str = "", **more: str) -> Answer:
    values = {
        "error": error or problems.CODES[number].error,
        **more,
        "error_description": problems.description(number, world.clock.now()),
    }
    uri = {"error_uri": f"https://login.microsoftonline.com/error?code={number}"}
    return back(world, pending, values, uri)


def back(
    world: World, pending: Pending, values: dict[str, str], last: dict[str, str] | None = None
) -> Answer:
    state: dict[str, str] = {}
    if pending.state is not None and world.dials.callback_state != "missing":
        right = world.dials.callback_state == "right"
        state["state"] = pending.state if right else "not-the-state"
    base = pending.redirect_uri
    if not urlsplit(base).path:
        base += "/"
    location = f"{base}?{urlencode(values | state | (last or {}))}"
    return Answer(302, b"", {"Location": location, "Cache-Control": "no-store"}, HTML)
