"""
The transit engine's access policies, one per process class, from the table of `keyring_rights`.

Tokens and roles omit the built-in policy `default`. A web process can wrap the key of a refresh
token but never unwrap it; the process that rotates epochs opens no content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .keyring_port import SigningKey
from .keyring_rights import RIGHTS, KeyringRights

# The capabilities at a path, and the only allowed parameters.
PathRule = tuple[tuple[str, ...], tuple[str, ...]]

_READ: PathRule = (("read",), ())
# Without `create`, which would make a missing key of another kind.
_UPDATE: PathRule = (("update",), ())
# The same path sets `exportable` and `deletion_allowed`, which stay forbidden.
_CONFIG: PathRule = (("update",), ("min_decryption_version", "min_encryption_version"))
_TRIM: PathRule = (("update",), ("min_available_version",))
# Lookup and renewal of the process's own token. The built-in policy `default` allows both, and more
# that no process needs.
_OWN_TOKEN: dict[str, PathRule] = {
    "auth/token/lookup-self": _READ,
    "auth/token/renew-self": _UPDATE,
}


def build_transit_policies(mount: str, prefix: str) -> dict[str, str]:
    """Return each policy's text by name, for `bao policy write`."""
    return {
        f"{prefix}-{process_class}": _format_policy(dict(_list_rules(rights, mount, prefix)))
        for process_class, rights in RIGHTS.items()
        if process_class
    }


def _list_rules(rights: KeyringRights, mount: str, prefix: str) -> Iterator[tuple[str, PathRule]]:
    def build_path(act: str, name: str, rest: str = "") -> str:
        return f"{mount}/{act}/{prefix}-{name}{rest}"

    yield from _OWN_TOKEN.items()
    # Sorted, so that a new installation shows what changed.
    for line in sorted(rights.all_lines):
        yield build_path("keys", line), _READ
    for line in sorted(rights.wraps):
        yield build_path("encrypt", line), _UPDATE
    for line in sorted(rights.unwraps):
        yield build_path("decrypt", line), _UPDATE
    for line in sorted(rights.turns):
        yield build_path("rewrap", line), _UPDATE
        yield build_path("keys", line, "/rotate"), _UPDATE
        yield build_path("keys", line, "/config"), _CONFIG
        yield build_path("keys", line, "/trim"), _TRIM
    for mac in sorted(rights.macs):
        yield build_path("keys", mac), _READ
        yield build_path("hmac", mac, "/sha2-256"), _UPDATE
    for signing in SigningKey:
        yield build_path("keys", signing), _READ
    for signing in sorted(rights.signs):
        yield build_path("sign", signing), _UPDATE


def _format_policy(rules: Mapping[str, PathRule]) -> str:
    return "\n".join(_format_rule(path, *rule) for path, rule in rules.items()) + "\n"


def _format_rule(path: str, capabilities: tuple[str, ...], parameters: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{capability}"' for capability in capabilities)
    lines = [f'path "{path}" {{', f"  capabilities = [{listed}]"]
    if parameters:
        allowed = ", ".join(f'"{parameter}" = []' for parameter in parameters)
        lines.append(f"  allowed_parameters = {{ {allowed} }}")
    return "\n".join([*lines, "}"])
