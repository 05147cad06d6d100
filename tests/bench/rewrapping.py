"""
Twenty thousand data keys are wrapped under a new key epoch, and the old one is destroyed.

The crypto alone, as the file keyring does it; and the whole turn of the epoch with its rows,
against the loop that one would write first: a key at a time, saved by the ORM.
"""

from __future__ import annotations

import random
import secrets
import time
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from limited_use.models import DataKey
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_key_rows, data_keys
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import EpochGone, KeyBinding, RewrapRequest
from tests.bench import figures, mailbox, measure, sizes
from tests.bench.figures import Figure

# And of the loop, which takes its time.
KEYS, LOOPED = sizes.choose_size(20_000, tiny=60), sizes.choose_size(4_000, tiny=60)
RUNS = sizes.choose_size(3, tiny=1)
# Rounds of the crypto alone, and keys in one of its calls: as many as the turn hands over.
ROUNDS = sizes.choose_size(40, tiny=2)
SAMPLE = 50

LINE = KeyLine.CONTENT
_COLUMNS = {
    "id": "uuid", "holder": "uuid", "line": "varchar", "epoch": "int4", "key_id": "bytea",
    "wrapped": "bytea", "kek_epoch": "int4", "created_at": "timestamptz",
}  # fmt: skip


class Made(NamedTuple):
    """A key, whose it is and what it is called."""

    root: bytes
    bound: KeyBinding


def run_benchmark() -> list[Figure]:
    made = [_make_key() for _ in range(KEYS)]
    _store(made)
    mailbox.settle_tables()
    crypto = _crypto(made)
    turns, loops = [], []
    for _ in range(RUNS):
        loops.append(_measure_plain_loop())
        turns.append(_measure_turn(made))
    return [
        figures.make_limit_figure(
            "crypto for a key",
            1e6 * measure.median(crypto),
            "µs",
            most=5,
            note=f"processor time: unwrapped and wrapped again, file keyring,"
            f" {key_epochs.BATCH} keys at once; median of {ROUNDS}",
        ),
        figures.make_times_figure(
            "keys wrapped anew",
            KEYS / measure.median(turns),
            "/s",
            baseline=LOOPED / measure.median(loops),
            against="a key at a time, each row saved by the ORM, in one transaction",
            more_is_better=True,
            note=f"{KEYS:,} keys with their rows, the old epoch destroyed, entries written;"
            f" median of {RUNS} in turn",
        ),
    ]


def _make_key() -> Made:
    root = secrets.token_bytes(data_keys.KEY_BYTES)
    return Made(root, KeyBinding(uuid7(), data_keys.compute_data_key_id(root)))


def _store(made: list[Made]) -> None:
    ring, at = get_keyring(), timezone.now()
    epoch = ring.list_epochs(LINE)[-1]
    # As whoever makes a key says that its epoch is in use.
    data_key_rows.record_epochs(LINE, [epoch], at=at)
    mailbox.copy_rows(
        "limited_use_datakey",
        _COLUMNS,
        (
            (
                *(uuid7(), one.bound.holder, str(LINE), 1, one.bound.key_id),
                *(ring.wrap(LINE, epoch, one.root, one.bound), epoch, at),
            )
            for one in made
        ),
    )


def _crypto(made: list[Made]) -> list[float]:
    ring = get_keyring()
    epoch = ring.list_epochs(LINE)[-1]
    wrapped = {
        one.holder: one.wrapped
        for one in data_key_rows.get_keys_to_rewrap(LINE, before_epoch=epoch + 1, limit=KEYS)
    }
    asked = [
        RewrapRequest(epoch, wrapped[one.bound.holder], one.bound)
        for one in made[: key_epochs.BATCH]
    ]
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        anew = ring.rewrap(LINE, epoch, asked)
        seconds.append((time.process_time() - began) / len(asked))
    for one, again in zip(made, anew, strict=False):
        if ring.unwrap(LINE, epoch, again, one.bound) != one.root:
            raise AssertionError("another key came out")
    return seconds


def _measure_plain_loop() -> float:
    """Wrap keys anew, one at a time, under the epoch that they have: the work is the same."""
    ring = get_keyring()
    began = time.perf_counter()
    with transaction.atomic():
        for key in DataKey.objects.filter(line=LINE).order_by("id")[:LOOPED].iterator():
            bound = KeyBinding(key.holder, bytes(key.key_id))
            root = ring.unwrap(LINE, key.kek_epoch, bytes(key.wrapped), bound)
            key.wrapped = ring.wrap(LINE, key.kek_epoch, root, bound)
            key.save(update_fields=["wrapped", "kek_epoch"])
    return time.perf_counter() - began


def _measure_turn(made: list[Made]) -> float:
    ring = get_keyring()
    former = ring.list_epochs(LINE)[-1]
    sample = random.Random(former).sample(made, SAMPLE)  # noqa: S311 - repeatable
    before = {one.bound.holder: _wrapped(one.bound.holder) for one in sample}
    began = time.perf_counter()
    turn = key_epochs.rotate_key_epoch(LINE, timezone.now())
    seconds = time.perf_counter() - began
    if (turn.key_count, turn.rewrapped_count, turn.destroyed) != (KEYS, KEYS, (former,)):
        raise AssertionError(f"{turn}")
    for one in sample:
        wrapped = _wrapped(one.bound.holder)
        if ring.unwrap(LINE, turn.epoch, wrapped, one.bound) != one.root:
            raise AssertionError("another key came out")
        try:
            ring.unwrap(LINE, former, before[one.bound.holder], one.bound)
        except EpochGone:
            continue
        raise AssertionError("a key opens by what was destroyed")
    return seconds


def _wrapped(holder: UUID) -> bytes:
    return bytes(DataKey.objects.get(holder=holder).wrapped)
