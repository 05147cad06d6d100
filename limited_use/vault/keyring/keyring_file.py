"""
A keyring of files in one folder: the embedded default.

Each file has 32 random bytes, readable by its owner alone. Destruction overwrites before
unlinking, but misses copies in a journal, a copy-on-write filesystem, a snapshot or a backup, as
the receipt says.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limited_use.policy.key_lines import KeyLine

from .keyring_port import EpochGone, KeyBinding, MacKey, NoKeyring, RewrapRequest, SigningKey

KEY_BYTES = 32
NONCE_BYTES = 12


class FileKeyring:
    """:param directory: an absolute path, prepared by `create`"""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        # Long-lived keys only. Epoch keys are read for each call, so that no process caches a
        # destroyed one.
        self._long_lived_keys: dict[str, bytes] = {}
        # The signing key of the public key that was returned last.
        self._signing_keys: dict[SigningKey, Ed25519PrivateKey] = {}

    @classmethod
    def create(cls, directory: str | Path) -> FileKeyring:
        """Create missing keys in `directory`. Never replaces a key."""
        keyring = cls(directory)
        keyring._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        keyring._check_directory()
        for name in (*(f"mac-{m}" for m in MacKey), *(f"sign-{s}" for s in SigningKey)):
            if not keyring._get_path(name).exists():
                keyring._write_key(name)
        for line in KeyLine:
            if not keyring.list_epochs(line):
                keyring.create_epoch(line)
        return keyring

    def list_epochs(self, line: KeyLine) -> tuple[int, ...]:
        prefix = f"kek-{line}-"
        try:
            names = [path.name for path in self._directory.iterdir()]
        except OSError:
            names = None
        if names is None:
            raise NoKeyring(f"no keyring in {self._directory}: run manage.py init_keyring")
        return tuple(
            sorted(
                int(name.removeprefix(prefix).removesuffix(".key"))
                for name in names
                if name.startswith(prefix) and name.endswith(".key")
            )
        )

    def create_epoch(self, line: KeyLine) -> int:
        epoch = max(self.list_epochs(line), default=0) + 1
        self._write_key(_get_epoch_key_name(line, epoch))
        return epoch

    def destroy_epoch(self, line: KeyLine, epoch: int) -> None:
        path = self._get_path(_get_epoch_key_name(line, epoch))
        if not path.exists():
            return
        with path.open("r+b", buffering=0) as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            os.fsync(file.fileno())
        path.unlink()
        self._sync_directory()

    def wrap(self, line: KeyLine, epoch: int, key: bytes, binding: KeyBinding) -> bytes:
        return _wrap_key(
            AESGCM(self._read_epoch_key(line, epoch)), key, _encode_context(line, epoch, binding)
        )

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, binding: KeyBinding) -> bytes:
        cipher = AESGCM(self._read_epoch_key(line, epoch))
        return _unwrap_key(cipher, wrapped, _encode_context(line, epoch, binding))

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[RewrapRequest]) -> list[bytes]:
        # Each key is read once per call.
        ciphers = {
            number: AESGCM(self._read_epoch_key(line, number))
            for number in {epoch, *(key.epoch for key in keys)}
        }
        return [
            _wrap_key(
                ciphers[epoch],
                _unwrap_key(
                    ciphers[key.epoch], key.wrapped, _encode_context(line, key.epoch, key.binding)
                ),
                _encode_context(line, epoch, key.binding),
            )
            for key in keys
        ]

    def compute_mac(self, name: MacKey, message: bytes) -> bytes:
        return hmac.digest(self._get_long_lived_key(f"mac-{name}"), message, "sha256")

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        if name not in self._signing_keys:
            self.get_public_key(name)
        return self._signing_keys[name].sign(message)

    def get_public_key(self, name: SigningKey) -> bytes:
        # Read each time: another process may have replaced the key.
        key = Ed25519PrivateKey.from_private_bytes(self._require_key(f"sign-{name}"))
        self._signing_keys[name] = key
        return key.public_key().public_bytes_raw()

    def replace_signing_key(self, name: SigningKey) -> None:
        path = self._get_path(f"sign-{name}")
        self._require_key(f"sign-{name}")
        with path.open("r+b", buffering=0) as former_file:
            self._write_key(f"sign-{name}", overwrite=True)
            # Overwrite the former key, to which no name leads any more.
            former_file.write(secrets.token_bytes(KEY_BYTES))
            os.fsync(former_file.fileno())
        self._signing_keys.pop(name, None)

    def _read_epoch_key(self, line: KeyLine, epoch: int) -> bytes:
        try:
            return self._read_key(_get_epoch_key_name(line, epoch))
        except FileNotFoundError:
            pass
        self._check_directory()
        raise EpochGone(f"{line} {epoch}")

    def _get_long_lived_key(self, name: str) -> bytes:
        key = self._long_lived_keys.get(name)
        if key is None:
            key = self._long_lived_keys[name] = self._require_key(name)
        return key

    def _require_key(self, name: str) -> bytes:
        with contextlib.suppress(FileNotFoundError):
            return self._read_key(name)
        raise NoKeyring(f"no {name} key in {self._directory}: run manage.py init_keyring")

    def _get_path(self, name: str) -> Path:
        return self._directory / f"{name}.key"

    def _read_key(self, name: str) -> bytes:
        # O_NOFOLLOW: the mode of a link's target says nothing about the key.
        descriptor = os.open(self._get_path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            key = os.read(descriptor, KEY_BYTES + 1)
        finally:
            os.close(descriptor)
        if stat.S_IMODE(mode) & 0o077:
            raise NoKeyring(f"{name}.key is readable by others than its owner: chmod 600")
        if len(key) != KEY_BYTES:
            raise NoKeyring(f"{name}.key does not hold {KEY_BYTES} bytes")
        return key

    def _write_key(self, name: str, *, overwrite: bool = False) -> None:
        # Atomic: write and flush a temporary file, then link it under its name, which fails if
        # another process was first; or rename it over the old one.
        temporary_path = self._get_path(name).with_suffix(f".{secrets.token_hex(4)}.new")
        descriptor = os.open(
            temporary_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(descriptor, secrets.token_bytes(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            if overwrite:
                temporary_path.rename(self._get_path(name))
            else:
                os.link(temporary_path, self._get_path(name))
        finally:
            temporary_path.unlink(missing_ok=True)
        self._sync_directory()

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _check_directory(self) -> None:
        if not self._directory.is_dir():
            raise NoKeyring(f"no keyring in {self._directory}: run manage.py init_keyring")
        if stat.S_IMODE(self._directory.stat().st_mode) & 0o077:
            raise NoKeyring(f"{self._directory} is open to others than its owner: chmod 700")


def _encode_context(line: KeyLine, epoch: int, binding: KeyBinding) -> bytes:
    encoded_binding = binding.holder.bytes + binding.key_id + epoch.to_bytes(8, "big")
    return b"LU-key/1\0" + encoded_binding + line.encode()


def _wrap_key(cipher: AESGCM, key: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, context)


def _unwrap_key(cipher: AESGCM, wrapped: bytes, context: bytes) -> bytes:
    with contextlib.suppress(InvalidTag, ValueError):
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    raise EpochGone


def _get_epoch_key_name(line: KeyLine, epoch: int) -> str:
    return f"kek-{line}-{epoch:08d}"
