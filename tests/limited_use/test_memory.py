"""Unwrapped keys in a process: how many, how long, and what drops them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from limited_use.models import DataKey
from limited_use.vault import data_keys, opening
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.envelope import Unopenable
from limited_use.vault.key_cache import KeyCache
from limited_use.vault.sealing import get_sealer
from tests.limited_use.conftest import NOW

pytestmark = pytest.mark.control("6.7.1")


FORKING = """
import os
from types import SimpleNamespace
from limited_use.vault.key_cache import KeyCache

memory = KeyCache(max_keys=8, max_age_seconds=3600)
memory.store_key(SimpleNamespace(holder=1, epoch=1, wrapped=b""), "key")
child = os.fork()
if child:
    os.waitpid(child, 0)
print(len(memory), flush=True)
os._exit(0)
"""


@dataclass(frozen=True)
class Row:
    holder: UUID = field(default_factory=uuid4)
    epoch: int = 1
    wrapped: bytes = b"wrapped"


def until(holds, within=30.0):
    ends = time.monotonic() + within
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


class TestMemory:
    def test_keeps_a_key_for_the_same_row(self):
        memory, row = KeyCache(max_keys=8, max_age_seconds=3600), Row()

        memory.store_key(row, "key")

        assert memory.find_key(row) == "key"
        assert memory.find_key(Row()) is None

    def test_keeps_no_more_than_its_size_and_the_newest_of_them(self):
        memory, rows = KeyCache(max_keys=2, max_age_seconds=3600), [Row() for _ in range(4)]

        for row in rows:
            memory.store_key(row, row)

        assert [memory.find_key(row) for row in rows] == [None, None, *rows[2:]]

    def test_drops_what_is_over_though_nobody_asks_for_anything(self):
        memory = KeyCache(max_keys=8, max_age_seconds=0.05)

        for _ in range(3):
            memory.store_key(Row(), "key")

        until(lambda: len(memory) == 0)
        memory.store_key(Row(), "another")
        until(lambda: len(memory) == 0)

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("change", [{"epoch": 2}, {"wrapped": b"anew"}])
    def test_drops_a_key_when_its_row_says_otherwise(self, change):
        memory, row = KeyCache(max_keys=8, max_age_seconds=3600), Row()
        memory.store_key(row, "key")

        assert memory.find_key(replace(row, **change)) is None
        assert len(memory) == 0

    def test_gives_a_forked_process_nothing(self):
        # In a process of its own: this one has threads, with which nobody should fork.
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKING],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout.split() == ["0", "1"]


@pytest.mark.django_db
@pytest.mark.invariant(5)
class TestAKeyInUse:
    @pytest.fixture
    def held(self, seal, permit):
        """Return something sealed and a permit, its key unwrapped in this process."""
        sealed, held = seal(), permit()
        opening.open_sealed_values([sealed], held, at=NOW)
        assert len(data_keys._key_cache) == 1
        return sealed, held

    def test_is_dropped_when_its_fence_moves(self, held, holder):
        data_keys.raise_data_key_epoch(holder=holder, epoch=2)

        assert len(data_keys._key_cache) == 0

    # What another process did is seen in the row.
    def test_is_dropped_when_its_fence_was_moved_elsewhere(self, held, holder):
        DataKey.objects.filter(holder=holder).update(epoch=2)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([held[0]], held[1], at=NOW)

        assert len(data_keys._key_cache) == 0

    def test_is_dropped_when_it_was_destroyed_elsewhere(self, held, holder):
        DataKey.objects.filter(holder=holder).delete()

        with pytest.raises(Unopenable):
            opening.open_sealed_values([held[0]], held[1], at=NOW)

        assert len(data_keys._key_cache) == 0

    def test_is_dropped_by_who_would_seal_with_it(self, held, holder):
        DataKey.objects.filter(holder=holder).delete()

        with pytest.raises(KeyDestroyed):
            get_sealer(holder=holder, epoch=1)

        assert len(data_keys._key_cache) == 0

    def test_is_kept_bounded_in_number_and_time(self):
        assert (data_keys.CACHE_SIZE, data_keys.CACHE_SECONDS) == (1024, 300)
        assert (data_keys._key_cache._max_keys, data_keys._key_cache._max_age_seconds) == (
            1024,
            300,
        )
