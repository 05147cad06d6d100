"""
Checks whether the keyring fits the keys that it wrapped: at process start, every few minutes, and
before a new keyring is created.

A lost, foreign or outdated keyring would look like a disconnect.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine

from . import data_key_rows, ledger_key_wrap, sql_functions
from .data_keys import compute_data_key_id
from .keyring import keyring_rights
from .keyring.keyring_factory import get_keyring
from .keyring.keyring_port import EpochGone, KeyBinding, NoKeyring, RewrapRequest

# How many other keys to try, to distinguish a damaged key from a foreign keyring.
_OTHER_KEYS_TRIED: Final = 20


def find_problems() -> list[str]:
    """
    Return the problems, one sentence each, of this process class's key lines.

    None for a class that only reads, such as staff, because it may not count keys.

    :raises KeyStoreUnavailable:
    """
    own_rights = keyring_rights.get_rights(settings.PROCESS_CLASS)
    lines = sorted(own_rights.all_lines) if own_rights.wraps or own_rights.turns else []
    return [
        problem
        for line in lines
        for problem in _find_line_problems(line, get_keyring().list_epochs(line))
    ]


def count_orphaned_keys() -> int:
    """
    Return the number of wrapped keys if the keyring has no epoch key, otherwise 0.

    :raises KeyStoreUnavailable:
    """
    try:
        has_epoch_key = any(get_keyring().list_epochs(line) for line in KeyLine)
    except NoKeyring:
        has_epoch_key = False
    return (
        0
        if has_epoch_key
        else sum(tally.key_count for tally in data_key_rows.count_keys_by_epoch())
    )


def _find_line_problems(line: KeyLine, keyring_epochs: tuple[int, ...]) -> list[str]:
    problems = []
    for _, epoch, count in data_key_rows.count_keys_by_epoch(line):
        if epoch not in keyring_epochs:
            problems.append(
                f"{count} {line} keys are wrapped under epoch {epoch}, which the keyring does not"
                " have: bring back the keyring that had it, or what they seal stays closed"
            )
        elif not _can_unwrap_epoch(line, epoch):
            problems.append(
                f"one of {count} {line} keys of epoch {epoch} does not unwrap, though others do:"
                " what it seals stays closed, and the epoch cannot end"
                if _can_rewrap_another_key(line, epoch)
                else f"{count} {line} keys are wrapped under an epoch {epoch} of another keyring:"
                " bring that one back, or what they seal stays closed"
            )
    ended = KeyEpoch.objects.filter(line=line, destroyed_at__isnull=False)
    last_ended = ended.aggregate(last=Max("number"))["last"] or 0
    problems += [
        f"the {line} key of epoch {epoch} is here, though the ledger says that it was destroyed:"
        " the key store came back from a copy; turn the key epoch"
        for epoch in keyring_epochs
        if epoch <= last_ended
    ]
    return problems


def _can_rewrap_another_key(line: KeyLine, epoch: int) -> bool:
    if line not in keyring_rights.get_rights(settings.PROCESS_CLASS).turns:
        return False
    other_keys = data_key_rows.get_keys_to_rewrap(
        line, from_epoch=epoch, before_epoch=epoch + 1, limit=_OTHER_KEYS_TRIED
    )
    return any(_can_rewrap(line, key) for key in other_keys)


def _can_rewrap(line: KeyLine, key: data_key_rows.DataKeyToRewrap) -> bool:
    keyring, binding = get_keyring(), KeyBinding(key.holder, key.key_id)
    with suppress(EpochGone):
        # Opens nothing; the result is discarded.
        keyring.rewrap(
            line,
            keyring.list_epochs(line)[-1],
            [RewrapRequest(key.kek_epoch, key.wrapped, binding)],
        )
        return True
    return False


def _can_unwrap_epoch(line: KeyLine, epoch: int) -> bool:
    """Return whether one key of the epoch still unwraps, without the cache."""
    own_rights = keyring_rights.get_rights(settings.PROCESS_CLASS)
    if line in own_rights.turns:
        sample = data_key_rows.get_keys_to_rewrap(
            line, from_epoch=epoch, before_epoch=epoch + 1, limit=1
        )
        return not sample or _check_by_rewrapping(line, epoch, sample[0])
    holder = _find_sample_holder(line, epoch) if line in own_rights.unwraps else None
    row = data_key_rows.read_data_key_row(holder) if holder is not None else None
    return row is None or _check_by_unwrapping(row)


def _find_sample_holder(line: KeyLine, epoch: int) -> UUID | None:
    """
    Return the holder of a key that this process class may unwrap.

    A class that acts for one person per request tries the epoch's naming key, which belongs to no
    person.
    """
    if not sql_functions.has_function_variants(settings.PROCESS_CLASS):
        return data_key_rows.find_key_holder(line, epoch)
    return ledger_key_wrap.get_naming_holder(epoch) if line == ledger_key_wrap.LINE else None


def _check_by_rewrapping(line: KeyLine, epoch: int, key: data_key_rows.DataKeyToRewrap) -> bool:
    if _can_rewrap(line, key):
        return True
    # Unless the epoch was rotated in between.
    return all(
        current.kek_epoch != epoch for current in data_key_rows.get_data_key_metadata([key.holder])
    )


def _check_by_unwrapping(row: data_key_rows.DataKeyRow) -> bool:
    binding = KeyBinding(row.holder, row.key_id)
    try:
        root = get_keyring().unwrap(row.line, row.kek_epoch, row.wrapped, binding)
    except EpochGone:
        return all(
            current.kek_epoch != row.kek_epoch
            for current in data_key_rows.get_data_key_metadata([row.holder])
        )
    return compute_data_key_id(root) == row.key_id
