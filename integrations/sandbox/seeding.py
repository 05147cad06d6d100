"""
A seed file: JSON with `clients`, `accounts`, `microsoft`, `tenants`, `pubsub`, `dials`.

Each is a list (or an object) of what the control takes.
"""

from pathlib import Path

import orjson

from integrations.sandbox.control import commands, microsoft, pushes
from integrations.sandbox.world import World


def load(world: World, file: Path) -> None:
    """:raises Misuse: something in it makes no sense"""
    seed = orjson.loads(file.read_bytes())
    for client in seed.get("clients", []):
        commands.add_client(world, client)
    for account in seed.get("accounts", []):
        commands.add_account(world, account)
    for account in seed.get("microsoft", []):
        microsoft.add_account(world, account)
    for tenant in seed.get("tenants", []):
        microsoft.tenant(world, tenant)
    for subscription in seed.get("pubsub", []):
        pushes.subscribe(world, subscription)
    commands.dials(world, seed.get("dials", {}))
