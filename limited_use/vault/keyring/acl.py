"""
What each class of process may ask of the keys: one table, for the key store and for the code.

A transit engine enforces it, by the policies that `transit_policies` writes from here. Files
cannot: who reads one of a folder reads all, so there it holds as long as nobody goes around this
module. Both refuse the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limited_use.policy.key_lines import KeyLine

from .port import KeyBinding, Keyring, MacKey, NoKeyring, RewrapRequest, SigningKey

_CONTENT, _ACCOUNT, _CREDENTIAL = KeyLine.CONTENT, KeyLine.ACCOUNT, KeyLine.CREDENTIAL
_OWN = KeyLine.OWN


class NotThisProcess(NoKeyring):
    """A process of this class may not do that, whoever asks it. Ask one that may."""


@dataclass(frozen=True, slots=True)
class KeyRights:
    """
    What one class of process may do.

    :param wraps: lines of which it makes keys
    :param unwraps: lines whose keys open for it
    :param turns: lines whose epochs it turns, which opens nothing
    :param names: lines of `unwraps` of which it reads naming keys alone, and no key of an account
    """

    wraps: frozenset[KeyLine] = frozenset()
    unwraps: frozenset[KeyLine] = frozenset()
    turns: frozenset[KeyLine] = frozenset()
    names: frozenset[KeyLine] = frozenset()
    macs: frozenset[MacKey] = frozenset()
    signs: frozenset[SigningKey] = frozenset()

    @property
    def all_lines(self) -> frozenset[KeyLine]:
        """The lines that it has anything to do with."""
        return self.wraps | self.unwraps | self.turns


_ALL_RIGHTS: Final = KeyRights(
    wraps=frozenset(KeyLine),
    unwraps=frozenset(KeyLine),
    turns=frozenset(KeyLine),
    macs=frozenset(MacKey),
    signs=frozenset(SigningKey),
)

#: By class of process, as `PROCESS_CLASS` names it.
RIGHTS: Final[dict[str, KeyRights]] = {
    # Shows people what is theirs; connects, and seals a refresh token that it then cannot open.
    "web": KeyRights(
        wraps=frozenset({_CONTENT, _ACCOUNT, _CREDENTIAL, _OWN}),
        unwraps=frozenset({_CONTENT, _ACCOUNT, _OWN}),
        macs=frozenset(MacKey),
    ),
    # Shows support what owners opened to it, and records that; makes no key. The database shows it
    # no other message, and of the line of accounts only what the ledger's names are made with.
    "staff": KeyRights(
        unwraps=frozenset({_CONTENT, _ACCOUNT}),
        names=frozenset({_ACCOUNT}),
        macs=frozenset({MacKey.PSEUDONYM}),
    ),
    # Reads mail and calendars in, refreshes grants, and makes the key of a calendar's copy. It
    # writes down by what a notification of a mailbox, whose address it reads, will find it.
    "sync": KeyRights(
        wraps=frozenset({_CONTENT}),
        unwraps=frozenset({_CONTENT, _ACCOUNT, _CREDENTIAL}),
        macs=frozenset(MacKey),
    ),
    # Removes content without being able to read it, and gives grants back. The line of accounts
    # has the key that the ledger's names are made with.
    "purge": KeyRights(
        wraps=frozenset({_ACCOUNT, _CREDENTIAL}),
        unwraps=frozenset({_ACCOUNT, _CREDENTIAL}),
        turns=frozenset(KeyLine),
        macs=frozenset({MacKey.PSEUDONYM}),
        signs=frozenset(SigningKey),
    ),
    # Looks, and sees public keys.
    "console": KeyRights(),
    # A process of no class: development, and the one that makes the keys.
    "": _ALL_RIGHTS,
}


def get_rights(process_class: str) -> KeyRights:
    """Return what a class may do; nothing, if nobody knows it."""
    return RIGHTS.get(process_class, KeyRights())


class LimitedKeyring:
    """A keyring as far as one class of process may use it."""

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
        # As making keys: an operator's, whose process is of no class.
        self._check_right("replace", name, frozenset())

    def _check_right(self, action: str, name: str, allowed: frozenset[str]) -> None:
        if name not in allowed:
            raise NotThisProcess(f"a process of class {self._class} may not {action} {name} keys")
