"""
A keyring in the transit engine of OpenBao or Vault, for production.

An epoch is a version of a transit key. Wrapping and signing keys never leave the engine. Each
process caches a derived MAC key, so that no disconnect, which writes a ledger entry, waits for
the engine.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Any, Final

from limited_use.policy.key_lines import KeyLine

from . import transit_wire as wire
from .keyring_port import (
    EpochGone,
    KeyBinding,
    KeyringConfig,
    KeyStoreUnavailable,
    MacKey,
    NoKeyring,
    RewrapRequest,
    SigningKey,
)
from .transit_store import TransitClient, TransitRequestDeclined

# OpenBao allows a thousand strings per request, and each key has six.
BATCH: Final = 100
# The version of MAC keys, which never rotate: their values must stay findable.
MAC_VERSION: Final = 1
KEY_KINDS: Final[dict[str, dict[str, Any]]] = {
    **{line: {"type": "aes256-gcm96", "derived": True} for line in KeyLine},
    **{mac: {"type": "hmac", "key_size": 32} for mac in MacKey},
    **{signing: {"type": "ed25519", "derived": False} for signing in SigningKey},
}
# Settings that could leak or lose a key.
_UNSAFE_SETTINGS: Final = ("exportable", "allow_plaintext_backup", "deletion_allowed")


class Missing(NoKeyring):
    """The engine has no key of that name."""


class TransitKeyring:
    def __init__(self, config: KeyringConfig) -> None:
        self._config = config
        self._client = TransitClient(config)
        self._mac_keys: dict[MacKey, bytes] = {}
        # The version of the public key that was returned last.
        self._signing_versions: dict[SigningKey, int] = {}

    @classmethod
    def create(cls, config: KeyringConfig) -> TransitKeyring:
        """
        Create our missing keys. Never replaces a key.

        :raises NoKeyring: if an existing key has the wrong kind
        """
        keyring = cls(config)
        for name, kind in KEY_KINDS.items():
            try:
                keyring._read_key(name)
            except Missing:
                keyring._call_engine("POST", f"keys/{keyring._get_key_name(name)}", kind)
                keyring._read_key(name)
        return keyring

    def list_epochs(self, line: KeyLine) -> tuple[int, ...]:
        key = self._read_key(line)
        # A version that can no longer decrypt but is not trimmed still exists: an interrupted
        # rotation must finish.
        return tuple(range(max(1, key["min_available_version"]), key["latest_version"] + 1))

    def create_epoch(self, line: KeyLine) -> int:
        self._call_engine("POST", f"keys/{self._get_key_name(line)}/rotate", {})
        return self.list_epochs(line)[-1]

    def destroy_epoch(self, line: KeyLine, epoch: int) -> None:
        key_name, first_kept = self._get_key_name(line), epoch + 1
        key = self._read_key(line)
        if key["min_available_version"] >= first_kept:
            return
        limits = {
            name: max(first_kept, key[name])
            for name in ("min_decryption_version", "min_encryption_version")
        }
        self._call_engine("POST", f"keys/{key_name}/config", limits)
        self._call_engine("POST", f"keys/{key_name}/trim", {"min_available_version": first_kept})
        # Verify it: the ledger will record the destruction.
        if epoch in self.list_epochs(line):
            raise NoKeyring(
                f"the key store did not trim {key_name}: look at its version and policy"
            )

    def wrap(self, line: KeyLine, epoch: int, key: bytes, binding: KeyBinding) -> bytes:
        body = {
            "plaintext": wire.encode_base64(key),
            "context": wire.encode_transit_context(line, binding),
            "key_version": epoch,
        }
        return wire.parse_ciphertext(
            self._call_line_key("encrypt", line, body).get("ciphertext"), epoch
        )

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, binding: KeyBinding) -> bytes:
        body = {
            "ciphertext": wire.format_ciphertext(wrapped, epoch),
            "context": wire.encode_transit_context(line, binding),
        }
        return wire.decode_base64(self._call_line_key("decrypt", line, body).get("plaintext"))

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[RewrapRequest]) -> list[bytes]:
        return [
            wrapped
            for start in range(0, len(keys), BATCH)
            for wrapped in self._rewrap_batch(line, epoch, keys[start : start + BATCH])
        ]

    def compute_mac(self, name: MacKey, message: bytes) -> bytes:
        mac_key = self._mac_keys.get(name)
        if mac_key is None:
            body = {"input": wire.encode_base64(b"antares/mac/1"), "key_version": MAC_VERSION}
            answer = self._call_engine("POST", f"hmac/{self._get_key_name(name)}/sha2-256", body)
            mac_key = self._mac_keys[name] = wire.parse_ciphertext(answer.get("hmac"), MAC_VERSION)
        return hmac.digest(mac_key, message, "sha256")

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        if name not in self._signing_versions:
            self.get_public_key(name)
        version = self._signing_versions[name]
        body = {"input": wire.encode_base64(message), "key_version": version}
        answer = self._call_engine("POST", f"sign/{self._get_key_name(name)}", body)
        return wire.parse_ciphertext(answer.get("signature"), version)

    def get_public_key(self, name: SigningKey) -> bytes:
        key = self._read_key(name)
        version = self._signing_versions[name] = key["latest_version"]
        return wire.decode_base64(key["keys"][str(version)]["public_key"])

    def replace_signing_key(self, name: SigningKey) -> None:
        key_name = self._get_key_name(name)
        self._call_engine("POST", f"keys/{key_name}/rotate", {})
        newest = self._read_key(name)["latest_version"]
        limits = {"min_decryption_version": newest, "min_encryption_version": newest}
        self._call_engine("POST", f"keys/{key_name}/config", limits)
        self._call_engine("POST", f"keys/{key_name}/trim", {"min_available_version": newest})
        self._signing_versions.pop(name, None)

    def _rewrap_batch(
        self, line: KeyLine, epoch: int, keys: Sequence[RewrapRequest]
    ) -> Iterator[bytes]:
        batch = [
            {
                "ciphertext": wire.format_ciphertext(key.wrapped, key.epoch),
                "context": wire.encode_transit_context(line, key.binding),
                "key_version": epoch,
            }
            for key in keys
        ]
        results = (
            self._call_line_key("rewrap", line, {"batch_input": batch}).get("batch_results") or []
        )
        if len(results) != len(keys):
            raise KeyStoreUnavailable
        for result in results:
            if result.get("error"):
                raise EpochGone(f"{line} {epoch}")
            yield wire.parse_ciphertext(result.get("ciphertext"), epoch)

    def _call_line_key(self, action: str, line: KeyLine, body: dict[str, Any]) -> dict[str, Any]:
        path = f"{action}/{self._get_key_name(line)}"
        try:
            return self._client.call_api("POST", f"{self._config.mount}/{path}", body)
        except TransitRequestDeclined as error:
            refusal = error
        if wire.is_transit_key_gone(refusal.reason):
            raise EpochGone(line)
        raise self._explain_refusal(refusal, path)

    def _call_engine(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            return self._client.call_api(method, f"{self._config.mount}/{path}", body)
        except TransitRequestDeclined as error:
            refusal = error
        raise self._explain_refusal(refusal, path)

    def _explain_refusal(self, refusal: TransitRequestDeclined, path: str) -> NoKeyring:
        mount = self._config.mount
        if "no handler for route" in refusal.reason:
            return NoKeyring(f"there is no transit engine at {mount}: bao secrets enable"
                             f" -path={mount} transit")  # fmt: skip
        if "key not found" in refusal.reason or not refusal.reason:
            return Missing(f"no key for {mount}/{path}: run manage.py init_keyring")
        return NoKeyring(f"the key store declines {mount}/{path}")

    def _read_key(self, name: str) -> dict[str, Any]:
        key_name = self._get_key_name(name)
        key = self._call_engine("GET", f"keys/{key_name}")
        if any(key.get(setting, value) != value for setting, value in KEY_KINDS[name].items()):
            raise NoKeyring(f"the key {key_name} is not of the kind {KEY_KINDS[name]['type']}")
        if unsafe := [setting for setting in _UNSAFE_SETTINGS if key.get(setting)]:
            raise NoKeyring(f"the key {key_name} has {', '.join(unsafe)}: use another prefix")
        return key

    def _get_key_name(self, name: str) -> str:
        return f"{self._config.prefix}-{name}"
