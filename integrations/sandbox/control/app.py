"""The control plane over HTTP: `POST /_control/<command>` with a JSON object, JSON back."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from integrations.sandbox.control import calendars, commands, mailboxes, microsoft, pushes
from integrations.sandbox.control.errors import Misuse
from integrations.sandbox.world import World

WORLD = web.AppKey("world", World)
Command = Callable[[World, dict[str, Any]], dict[str, Any]]

COMMANDS: dict[str, Command] = {
    "reset": commands.reset,
    "clients": commands.add_client,
    "accounts": commands.add_account,
    "dials": commands.dials,
    "faults": commands.fail_next,
    "faults/clear": commands.clear_faults,
    "advance": commands.advance,
    "tokens/expire": commands.expire_access,
    "tokens/kill": commands.kill_refresh,
    "grants/revoke": commands.revoke_grant,
    "grants/password": commands.change_password,
    "keys/rotate": commands.rotate_keys,
    "journal/clear": commands.clear_journal,
    "mail/deliver": mailboxes.deliver,
    "mail/delete": mailboxes.delete,
    "mail/trash": mailboxes.trash,
    "mail/labels": mailboxes.relabel,
    "mail/expire-history": mailboxes.expire_history,
    "calendars": calendars.add,
    "calendars/share": calendars.share,
    "calendars/forget": calendars.forget,
    "calendars/failing": calendars.failing,
    "events": calendars.put,
    "events/cancel": calendars.cancel,
    "pubsub": pushes.subscribe,
    "pubsub/publish": pushes.publish,
    "microsoft/accounts": microsoft.add_account,
    "microsoft/accounts/change": microsoft.change,
    "microsoft/folders/name": microsoft.name_folder,
    "microsoft/tenants": microsoft.tenant,
    "microsoft/tenants/approve": microsoft.approve,
    "microsoft/tokens/expire": microsoft.expire_access,
    "microsoft/tokens/kill": microsoft.kill,
    "microsoft/tokens/challenge": microsoft.challenge,
    "microsoft/tokens/satisfy": microsoft.satisfy,
    "microsoft/consents/forget": microsoft.revoke,
    "microsoft/subscriptions/lifecycle": microsoft.lifecycle,
    "microsoft/keys/rotate": microsoft.rotate_keys,
}
LOOKS: dict[str, Command] = {
    "health": commands.health,
    "dials": commands.dials,
    "people": commands.people,
    "grants": commands.grants,
    "counters": commands.counters,
    "requests": commands.requests,
    "violations": commands.violations,
    "mailbox": mailboxes.look,
    "calendar": calendars.look,
    "pushes": pushes.look,
    "microsoft/tenant": microsoft.look_tenant,
    "microsoft/subscriptions": microsoft.look_subscriptions,
    "microsoft/grants": microsoft.look_grants,
}


def make(world: World) -> web.Application:
    app = web.Application(client_max_size=256 * 2**20)
    app[WORLD] = world
    app.router.add_post("/_control/{command:.+}", _command)
    app.router.add_get("/_control/{command:.+}", _look)
    return app


async def _command(request: web.Request) -> web.Response:
    body = await request.read()
    return _run(request, COMMANDS, orjson.loads(body) if body else {})


async def _look(request: web.Request) -> web.Response:
    """Query parameters are the values; `dials` takes none here."""
    name = request.match_info["command"]
    values = {} if name == "dials" else dict(request.query)
    return _run(request, LOOKS, values)


def _run(request: web.Request, table: dict[str, Command], values: dict[str, Any]) -> web.Response:
    command = table.get(request.match_info["command"])
    if command is None:
        return _json({"error": f"no such control; there are {sorted(table)}"}, 404)
    try:
        return _json(command(request.app[WORLD], values))
    except (Misuse, KeyError, TypeError, ValueError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
