"""A seed file: JSON with `clients`, `accounts`, `microsoft`, `tenants`, `pubsub`, `dials`."""

from pathlib import Path

import orjson

from integrations.sandbox.control import commands, microsoft, pushes
from integrations.sandbox.state import SandboxState


def load_seed_file(state: SandboxState, file: Path) -> None:
    """:raises Misuse: invalid content"""
    seed = orjson.loads(file.read_bytes())
    for client in seed.get("clients", []):
        commands.add_client(state, client)
    for account in seed.get("accounts", []):
        commands.add_account(state, account)
    for account in seed.get("microsoft", []):
        microsoft.add_account(state, account)
    for tenant in seed.get("tenants", []):
        microsoft.set_tenant(state, tenant)
    for subscription in seed.get("pubsub", []):
        pushes.add_subscription(state, subscription)
    commands.set_knobs(state, seed.get("dials", {}))
