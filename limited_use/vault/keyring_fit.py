"""
Whether the keyring still fits the keys that it wrapped.

A lost keyring, another one, or an older copy of it would look like a disconnect
to every reader, one by one. Here it is found at once, and named: as a process
starts, every few minutes, and before a new keyring is made over keys of another.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine

from . import key_rows, ledger_key_wrap, sql_functions
from .keyring import acl
from .keyring.factory import get_keyring
from .keyring.port import Bound, EpochGone, NoKeyring, Rewrap
from .keys import key_id_of

# How many more are tried, to tell one key that is damaged from a keyring that is another.
_OTHERS: Final = 20


def problems() -> list[str]:
    """
    Return what an operator must know, one sentence each; empty if all fits.

    Of the lines that this class of process has to do with. One that only reads, as that of staff,
    may not count the keys; the others do.

    :raises KeyStoreUnavailable: if the keyring cannot be asked
    """
    mine = acl.of(settings.PROCESS_CLASS)
    lines = sorted(mine.lines) if mine.wraps or mine.turns else []
    return [said for line in lines for said in _of(line, get_keyring().epochs(line))]


def orphans() -> int:
    """
    Return how many keys wait for a keyring of which nothing at all is here.

    :raises KeyStoreUnavailable: if it cannot be told whether one is here
    """
    try:
        is_here = any(get_keyring().epochs(line) for line in KeyLine)
    except NoKeyring:
        is_here = False
    return 0 if is_here else sum(one.key_count for one in key_rows.tally())


def _of(line: KeyLine, present: tuple[int, ...]) -> list[str]:
    said = []
    for _, epoch, count in key_rows.tally(line):
        if epoch not in present:
            said.append(
                f"{count} {line} keys are wrapped under epoch {epoch}, which the keyring does not"
                " have: bring back the keyring that had it, or what they seal stays closed"
            )
        elif not _unwraps(line, epoch):
            said.append(
                f"one of {count} {line} keys of epoch {epoch} does not unwrap, though others do:"
                " what it seals stays closed, and the epoch cannot end"
                if _others_unwrap(line, epoch)
                else f"{count} {line} keys are wrapped under an epoch {epoch} of another keyring:"
                " bring that one back, or what they seal stays closed"
            )
    ended = KeyEpoch.objects.filter(line=line, destroyed_at__isnull=False)
    last = ended.aggregate(last=Max("number"))["last"] or 0
    said += [
        f"the {line} key of epoch {epoch} is here, though the ledger says that it was destroyed:"
        " the key store came back from a copy; turn the key epoch"
        for epoch in present
        if epoch <= last
    ]
    return said


def _others_unwrap(line: KeyLine, epoch: int) -> bool:
    """Return whether any of the next keys of that epoch unwraps; only who wraps anew can tell."""
    if line not in acl.of(settings.PROCESS_CLASS).turns:
        return False
    waiting = key_rows.waiting(line, lowest=epoch, below=epoch + 1, most=_OTHERS)
    return any(_wraps_anew(line, one) for one in waiting)


def _wraps_anew(line: KeyLine, one: key_rows.Waiting) -> bool:
    ring, bound = get_keyring(), Bound(one.holder, one.key_id)
    with suppress(EpochGone):
        # Opens nothing; what comes out is thrown away.
        ring.rewrap(line, ring.epochs(line)[-1], [Rewrap(one.kek_epoch, one.wrapped, bound)])
        return True
    return False


def _unwraps(line: KeyLine, epoch: int) -> bool:
    """Return whether one key of that epoch still unwraps; the keyring is asked, not the cache."""
    mine = acl.of(settings.PROCESS_CLASS)
    if line in mine.turns:
        waiting = key_rows.waiting(line, lowest=epoch, below=epoch + 1, most=1)
        return not waiting or _rewraps(line, epoch, waiting[0])
    holder = _find_sample(line, epoch) if line in mine.unwraps else None
    row = key_rows.read(holder) if holder is not None else None
    return row is None or _opens(row)


def _find_sample(line: KeyLine, epoch: int) -> UUID | None:
    """
    Return the holder of a key that this class of process may try; None if there is none.

    A process that answers one person at a time has no way to anybody's keys when it starts. It
    tries the naming key of the epoch, which is nobody's, and which another keyring does not open.
    """
    if not sql_functions.has_variants(settings.PROCESS_CLASS):
        return key_rows.find_holder(line, epoch)
    return ledger_key_wrap.holder_of(epoch) if line == ledger_key_wrap.LINE else None


def _rewraps(line: KeyLine, epoch: int, one: key_rows.Waiting) -> bool:
    if _wraps_anew(line, one):
        return True
    # Unless a turn of the epoch came between.
    return all(held.kek_epoch != epoch for held in key_rows.held([one.holder]))


def _opens(row: key_rows.KeyRow) -> bool:
    bound = Bound(row.holder, row.key_id)
    try:
        root = get_keyring().unwrap(row.line, row.kek_epoch, row.wrapped, bound)
    except EpochGone:
        return all(held.kek_epoch != row.kek_epoch for held in key_rows.held([row.holder]))
    return key_id_of(root) == row.key_id
