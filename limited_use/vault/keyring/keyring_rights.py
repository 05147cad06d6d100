"""
The rights of each process class on keys, in one table for key store and code.

A transit engine enforces them (`transit_policies`). With a folder they bind only code that uses
this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limited_use.policy.key_lines import KeyLine

from .keyring_port import KeyBinding, Keyring, MacKey, NoKeyring, RewrapRequest, SigningKey

_CONTENT, _ACCOUNT, _CREDENTIAL = KeyLine.CONTENT, KeyLine.ACCOUNT, KeyLine.CREDENTIAL
_OWN = KeyLine.OWN


class NotThisProcess(NoKeyring):
    """A process of this class has no such right. Use another."""


@dataclass(frozen=True, slots=True)
class KeyringRights:
    """
    :param wraps: lines of which it creates keys
    :param unwraps: lines of which it opens keys
    :param turns: lines of which it rotates epochs, which opens nothing
    :param names: lines of `unwraps` limited to naming keys, without keys of accounts
    """

    wraps: frozenset[KeyLine] = frozenset()
    unwraps: frozenset[KeyLine] = frozenset()
    turns: frozenset[KeyLine] = frozenset()
    names: frozenset[KeyLine] = frozenset()
    macs: frozenset[MacKey] = frozenset()
    signs: frozenset[SigningKey] = frozenset()

    @property
    def all_lines(self) -> frozenset[KeyLine]:
        return self.wraps | self.unwraps | self.turns


_ALL_RIGHTS: Final = KeyringRights(
    wraps=frozenset(KeyLine),
    unwraps=frozenset(KeyLine),
    turns=frozenset(KeyLine),
    macs=frozenset(MacKey),
    signs=frozenset(SigningKey),
)

#: By process class, as `PROCESS_CLASS` names it.
RIGHTS: Final[dict[str, KeyringRights]] = {
    # Shows people their data; connects, and seals a refresh token that it then cannot open.
    "web": KeyringRights(
        wraps=frozenset({_CONTENT, _ACCOUNT, _CREDENTIAL, _OWN}),
        unwraps=frozenset({_CONTENT, _ACCOUNT, _OWN}),
        macs=frozenset(MacKey),
    ),
    # Shows support what owners opened, and records it; creates no key. The database shows it no
    # other message or event, no other calendar's key of the line of own calendars, and of the line
    # of accounts only naming keys. It hashes an address that an agent typed.
    "staff": KeyringRights(
        unwraps=frozenset({_CONTENT, _OWN, _ACCOUNT}),
        names=frozenset({_ACCOUNT}),
        macs=frozenset({MacKey.PSEUDONYM, MacKey.DIRECTORY}),
    ),
    # Syncs mail and calendars, refreshes grants, and creates the keys of calendar caches. It reads
    # the address of a mailbox, and stores its blind to match notifications. It opens an Antares
    # calendar that its owner saves in a Drive; the database shows it keys of one person at a time.
    "sync": KeyringRights(
        wraps=frozenset({_CONTENT}),
        unwraps=frozenset({_CONTENT, _ACCOUNT, _CREDENTIAL, _OWN}),
        macs=frozenset(MacKey),
    ),
    # Deletes content that it cannot read, and revokes grants. Its ledger entries need keys of the
    # line of accounts.
    "purge": KeyringRights(
        wraps=frozenset({_ACCOUNT, _CREDENTIAL}),
        unwraps=frozenset({_ACCOUNT, _CREDENTIAL}),
        turns=frozenset(KeyLine),
        macs=frozenset({MacKey.PSEUDONYM}),
        signs=frozenset(SigningKey),
    ),
    # Reads public keys only.
    "console": KeyringRights(),
    # No class: development, and the process that creates the keys.
    "": _ALL_RIGHTS,
}


def get_rights(process_class: str) -> KeyringRights:
    return RIGHTS.get(process_class, KeyringRights())


class LimitedKeyring:
    def __init__(self, keyring: Keyring, process_class: str) -> None:
        self._keyring = keyring
        self._class = process_class
        self._rights = get_rights(process_class)

    def list_epochs(self, line: KeyLine) -> tuple[int, ...]:
        self._check_right("read epochs of", line, self._rights.all_lines)
        return self._keyring.list_epochs(line)

    def create_epoch(self, line: KeyLine) -> int:
        self._check_right("turn", line, self._rights.turns)
        return self._keyring.create_epoch(line)

    def destroy_epoch(self, line: KeyLine, epoch: int) -> None:
        self._check_right("turn", line, self._rights.turns)
        self._keyring.destroy_epoch(line, epoch)

    def wrap(self, line: KeyLine, epoch: int, key: bytes, binding: KeyBinding) -> bytes:
        self._check_right("wrap", line, self._rights.wraps)
        return self._keyring.wrap(line, epoch, key, binding)

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, binding: KeyBinding) -> bytes:
        self._check_right("unwrap", line, self._rights.unwraps)
        return self._keyring.unwrap(line, epoch, wrapped, binding)

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[RewrapRequest]) -> list[bytes]:
        self._check_right("turn", line, self._rights.turns)
        return self._keyring.rewrap(line, epoch, keys)

    def compute_mac(self, name: MacKey, message: bytes) -> bytes:
        self._check_right("authenticate with", name, self._rights.macs)
        return self._keyring.compute_mac(name, message)

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        self._check_right("sign with", name, self._rights.signs)
        return self._keyring.sign(name, message)

    def get_public_key(self, name: SigningKey) -> bytes:
        return self._keyring.get_public_key(name)

    def replace_signing_key(self, name: SigningKey) -> None:
        # Reserved for an operator, like creating keys: a process without a class.
        self._check_right("replace", name, frozenset())

    def _check_right(self, action: str, name: str, allowed: frozenset[str]) -> None:
        if name not in allowed:
            raise NotThisProcess(f"a process of class {self._class} may not {action} {name} keys")
