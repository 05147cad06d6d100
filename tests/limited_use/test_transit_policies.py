"""A token with the policy of its class and without `default`: it suffices, and for no more."""

from __future__ import annotations

import time

import httpx
import pytest

from limited_use.policy.key_lines import KeyLine
from limited_use.vault.keyring.keyring_port import MacKey, SigningKey
from limited_use.vault.keyring.keyring_rights import RIGHTS
from limited_use.vault.keyring.keyring_transit import TransitKeyring

pytestmark = pytest.mark.control("6.7.1")

CLASSES = sorted(filter(None, RIGHTS))
NAMES = [*KeyLine, *MacKey, *SigningKey]
OWN_TOKEN = {"auth/token/lookup-self": ["read"], "auth/token/renew-self": ["update"]}
#: What the store's policy `default` allows, and what only an operator may do.
ELSEWHERE = [
    "auth/token/create", "auth/token/lookup", "auth/token/revoke", "auth/token/revoke-self",
    "auth/approle/login", "cubbyhole/x", "identity/entity/id/x", "sys/capabilities-self",
    "sys/leases/renew", "sys/mounts", "sys/policies/acl/default", "sys/renew", "sys/seal",
    "sys/tools/random", "sys/wrapping/wrap",
]  # fmt: skip


@pytest.fixture
def made(openbao, place):
    """Return a place whose keys exist."""
    TransitKeyring.create(place._replace(token=openbao.root))
    return place


def list_paths(place):
    """Return each path of the engine at which something could be done with a key of ours."""
    acts = ("keys", "encrypt", "decrypt", "rewrap", "hmac", "sign", "verify", "backup", "restore",
            "datakey/plaintext", "datakey/wrapped", "export/encryption-key",
            "export/signing-key", "export/hmac-key")  # fmt: skip
    for name in NAMES:
        named = f"{place.prefix}-{name}"
        yield from (f"{place.mount}/{act}/{named}" for act in acts)
        yield f"{place.mount}/hmac/{named}/sha2-256"
        yield from (f"{place.mount}/keys/{named}/{act}" for act in ("rotate", "config", "trim"))
    yield from (f"{place.mount}/{rest}" for rest in ("keys", "random", "cache-config", "hash"))
    yield f"{place.mount}/keys/of-somebody-else"


def list_allowed(place, process_class):
    """Return the capabilities by path that a class of process needs, from the table of rights."""
    rights = RIGHTS[process_class]
    allowed = dict(OWN_TOKEN)

    def allow(act, names, capability="update", rest=""):
        for name in names:
            allowed[f"{place.mount}/{act}/{place.prefix}-{name}{rest}"] = [capability]

    allow("keys", rights.all_lines | rights.macs | set(SigningKey), "read")
    allow("encrypt", rights.wraps)
    allow("decrypt", rights.unwraps)
    allow("rewrap", rights.turns)
    for rest in ("/rotate", "/config", "/trim"):
        allow("keys", rights.turns, rest=rest)
    allow("hmac", rights.macs, rest="/sha2-256")
    allow("sign", rights.signs)
    return allowed


@pytest.mark.parametrize("process_class", CLASSES)
class TestATokenOfOneClass:
    @pytest.mark.invariant(6)
    def test_may_do_what_its_class_needs_and_nothing_else(self, openbao, made, process_class):
        token = openbao.token(made, process_class)
        assert openbao.ask("auth/token/lookup", {"token": token})["data"]["policies"] == [
            f"{made.mount}-antares-{process_class}"
        ]

        paths = [*list_paths(made), *OWN_TOKEN, *ELSEWHERE]
        said = openbao.ask("sys/capabilities", {"token": token, "paths": paths})["data"]

        found = {path: said[path] for path in paths if said[path] != ["deny"]}
        assert found == list_allowed(made, process_class)

    def test_is_looked_up_and_renewed_by_its_process(self, openbao, made, use, process_class):
        token = openbao.token(made, process_class)
        ring = use(made._replace(token=token))
        assert ring.get_public_key(SigningKey.LEDGER)
        # Looked up, so it is known when half its life is over; here that is now.
        assert 0 < ring._client._renew_at - time.monotonic() <= 1800
        ring._client._renew_at = 0.0

        assert ring.get_public_key(SigningKey.LEDGER)

        assert openbao.ask("auth/token/lookup", {"token": token})["data"]["last_renewal"]
        assert ring._client._renew_at > time.monotonic()

    def test_of_a_role_is_renewed_as_well(self, openbao, made, use, process_class):
        ring = use(made._replace(**openbao.role(made, process_class)))
        assert ring.get_public_key(SigningKey.LEDGER)
        token, ring._client._renew_at = ring._client._token, 0.0

        assert ring.get_public_key(SigningKey.LEDGER)

        known = openbao.ask("auth/token/lookup", {"token": token})["data"]
        assert known["policies"] == [f"{made.mount}-antares-{process_class}"]
        assert ring._client._token == token
        assert known["last_renewal"]

    @pytest.mark.parametrize(("method", "path", "body"), [
        ("PUT", "auth/token/create", {"ttl": "1h"}),
        ("PUT", "auth/token/revoke-self", {}),
        ("PUT", "cubbyhole/x", {"y": "z"}),
        ("GET", "sys/policies/acl/default", None),
        ("PUT", "sys/wrapping/wrap", {"y": "z"}),
    ])  # fmt: skip
    def test_is_refused_what_the_policy_default_allows(  # noqa: PLR0917
        self, openbao, made, process_class, method, path, body
    ):
        token = openbao.token(made, process_class)

        answer = httpx.request(
            method,
            f"{openbao.address}/v1/{path}",
            json=body,
            headers={"X-Vault-Token": token},
            trust_env=False,
        )

        assert answer.status_code == 403
