"""
The keyring as a transit engine of OpenBao or Vault: for production.

An epoch is a version of a transit key. The keys that wrap and those that sign
never leave the engine, and wrapping anew happens inside it, too. A MAC key is
derived in the engine once per process, and kept: else every disconnect, which
must not wait for anybody, would wait for the engine to write its entry.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Any, Final

from limited_use.policy.key_lines import KeyLine

from . import transit_wire as wire
from .port import (
    Bound,
    EpochGone,
    KeyringConfig,
    KeyStoreUnavailable,
    MacKey,
    NoKeyring,
    Rewrap,
    SigningKey,
)
from .transit_store import Declined, Store

# OpenBao takes a thousand strings in one request, and each key is six of them.
BATCH: Final = 100
# Of MAC keys, which nothing turns: what they made must be found for good.
MAC_VERSION: Final = 1
KINDS: Final[dict[str, dict[str, Any]]] = {
    **{line: {"type": "aes256-gcm96", "derived": True} for line in KeyLine},
    **{mac: {"type": "hmac", "key_size": 32} for mac in MacKey},
    **{signing: {"type": "ed25519", "derived": False} for signing in SigningKey},
}
# What would let a key out, or let it be lost.
_UNSAFE: Final = ("exportable", "allow_plaintext_backup", "deletion_allowed")


class Missing(NoKeyring):
    """The engine has no key of that name."""


class TransitKeyring:
    """:param config: the address of the engine, with the mount and prefix of our keys"""

    def __init__(self, config: KeyringConfig) -> None:
        self._config = config
        self._store = Store(config)
        self._roots: dict[MacKey, bytes] = {}
        # Which version signs: the one whose public key was last told.
        self._signing: dict[SigningKey, int] = {}

    @classmethod
    def create(cls, config: KeyringConfig) -> TransitKeyring:
        """
        Make what is missing of our keys, and return the keyring. Never replaces a key.

        :raises NoKeyring: if one that exists is not of the kind that it must be
        """
        keyring = cls(config)
        for name, kind in KINDS.items():
            try:
                keyring._read(name)
            except Missing:
                keyring._call("POST", f"keys/{keyring._named(name)}", kind)
                keyring._read(name)
        return keyring

    def epochs(self, line: KeyLine) -> tuple[int, ...]:
        key = self._read(line)
        # What may no longer decrypt and is not trimmed yet still exists: a turn that was cut
        # short there has to be finished.
        return tuple(range(max(1, key["min_available_version"]), key["latest_version"] + 1))

    def advance(self, line: KeyLine) -> int:
        self._call("POST", f"keys/{self._named(line)}/rotate", {})
        return self.epochs(line)[-1]

    def destroy(self, line: KeyLine, epoch: int) -> None:
        named, first = self._named(line), epoch + 1
        key = self._read(line)
        if key["min_available_version"] >= first:
            return
        least = {
            name: max(first, key[name])
            for name in ("min_decryption_version", "min_encryption_version")
        }
        self._call("POST", f"keys/{named}/config", least)
        self._call("POST", f"keys/{named}/trim", {"min_available_version": first})
        # Looked up, not believed: the ledger will say that it is gone.
        if epoch in self.epochs(line):
            raise NoKeyring(f"the key store did not trim {named}: look at its version and policy")

    def wrap(self, line: KeyLine, epoch: int, key: bytes, bound: Bound) -> bytes:
        asked = {
            "plaintext": wire.text(key),
            "context": wire.context(line, bound),
            "key_version": epoch,
        }
        return wire.unpacked(self._crypt("encrypt", line, asked).get("ciphertext"), epoch)

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, bound: Bound) -> bytes:
        asked = {"ciphertext": wire.packed(wrapped, epoch), "context": wire.context(line, bound)}
        return wire.data(self._crypt("decrypt", line, asked).get("plaintext"))

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[Rewrap]) -> list[bytes]:
        return [
            wrapped
            for start in range(0, len(keys), BATCH)
            for wrapped in self._rewrapped(line, epoch, keys[start : start + BATCH])
        ]

    def mac(self, name: MacKey, message: bytes) -> bytes:
        root = self._roots.get(name)
        if root is None:
            asked = {"input": wire.text(b"antares/mac/1"), "key_version": MAC_VERSION}
            answer = self._call("POST", f"hmac/{self._named(name)}/sha2-256", asked)
            root = self._roots[name] = wire.unpacked(answer.get("hmac"), MAC_VERSION)
        return hmac.digest(root, message, "sha256")

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        if name not in self._signing:
            self.public_key(name)
        version = self._signing[name]
        asked = {"input": wire.text(message), "key_version": version}
        answer = self._call("POST", f"sign/{self._named(name)}", asked)
        return wire.unpacked(answer.get("signature"), version)

    def public_key(self, name: SigningKey) -> bytes:
        key = self._read(name)
        version = self._signing[name] = key["latest_version"]
        return wire.data(key["keys"][str(version)]["public_key"])

    def replace(self, name: SigningKey) -> None:
        named = self._named(name)
        self._call("POST", f"keys/{named}/rotate", {})
        newest = self._read(name)["latest_version"]
        least = {"min_decryption_version": newest, "min_encryption_version": newest}
        self._call("POST", f"keys/{named}/config", least)
        self._call("POST", f"keys/{named}/trim", {"min_available_version": newest})
        self._signing.pop(name, None)

    def _rewrapped(self, line: KeyLine, epoch: int, keys: Sequence[Rewrap]) -> Iterator[bytes]:
        asked = [
            {
                "ciphertext": wire.packed(key.wrapped, key.epoch),
                "context": wire.context(line, key.bound),
                "key_version": epoch,
            }
            for key in keys
        ]
        results = self._crypt("rewrap", line, {"batch_input": asked}).get("batch_results") or []
        if len(results) != len(keys):
            raise KeyStoreUnavailable
        for result in results:
            if result.get("error"):
                raise EpochGone(f"{line} {epoch}")
            yield wire.unpacked(result.get("ciphertext"), epoch)

    def _crypt(self, act: str, line: KeyLine, asked: dict[str, Any]) -> dict[str, Any]:
        path = f"{act}/{self._named(line)}"
        try:
            return self._store.call("POST", f"{self._config.mount}/{path}", asked)
        except Declined as declined:
            found = declined
        if wire.says_gone(found.why):
            raise EpochGone(line)
        raise self._explained(found, path)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return self._store.call(method, f"{self._config.mount}/{path}", body)
        except Declined as declined:
            found = declined
        raise self._explained(found, path)

    def _explained(self, declined: Declined, path: str) -> NoKeyring:
        mount = self._config.mount
        if "no handler for route" in declined.why:
            return NoKeyring(f"there is no transit engine at {mount}: bao secrets enable"
                             f" -path={mount} transit")  # fmt: skip
        if "key not found" in declined.why or not declined.why:
            return Missing(f"no key for {mount}/{path}: run manage.py init_keyring")
        return NoKeyring(f"the key store declines {mount}/{path}")

    def _read(self, name: str) -> dict[str, Any]:
        """Return the description of a key of ours, having looked at what it is."""
        named = self._named(name)
        key = self._call("GET", f"keys/{named}")
        if any(key.get(what, value) != value for what, value in KINDS[name].items()):
            raise NoKeyring(f"the key {named} is not of the kind {KINDS[name]['type']}")
        if unsafe := [what for what in _UNSAFE if key.get(what)]:
            raise NoKeyring(f"the key {named} has {', '.join(unsafe)}: use another prefix")
        return key

    def _named(self, name: str) -> str:
        return f"{self._config.prefix}-{name}"
