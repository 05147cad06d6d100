from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.ids import uuid7
from limited_use.models import DataKey, KeyEpoch, Leaf
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys, opening
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import (
    EpochGone,
    KeyBinding,
    MacKey,
    NoKeyring,
    SigningKey,
)
from tests.limited_use.conftest import EITHER, NOW

CONTENT = KeyLine.CONTENT


def folder(ring):
    return ring._directory


class TestFileKeyring:
    def test_has_a_key_on_disk_before_it_is_used_and_after_it_is_forgotten(self, ring, monkeypatch):
        flush, flushed = os.fsync, []

        def seen(descriptor):
            flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
            flush(descriptor)

        monkeypatch.setattr(os, "fsync", seen)
        ring.create_epoch(CONTENT)
        ring.destroy_epoch(CONTENT, 1)

        assert [one.suffix for one in flushed] == [".new", "", ".key", ""]

    @pytest.mark.control("6.7.1")
    def test_is_readable_by_its_owner_alone(self, ring):
        assert stat.S_IMODE(folder(ring).stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder(ring).iterdir()} == {0o600}

    @pytest.mark.control("6.7.1")
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
    def test_refuses_a_key_that_others_can_read(self, ring, mode):
        (folder(ring) / "mac-directory.key").chmod(mode)
        (folder(ring) / "kek-content-00000001.key").chmod(mode)

        with pytest.raises(NoKeyring):
            FileKeyring(folder(ring)).compute_mac(MacKey.DIRECTORY, b"")
        with pytest.raises(NoKeyring):
            ring.wrap(CONTENT, 1, b"k" * 32, KeyBinding(uuid7(), b"12345678"))

    def test_refuses_a_folder_that_others_can_enter(self, ring):
        folder(ring).chmod(0o750)

        with pytest.raises(NoKeyring):
            FileKeyring.create(folder(ring))

    def test_refuses_a_link_and_a_short_key(self, ring):
        path = folder(ring) / "sign-ledger.key"
        path.rename(folder(ring) / "elsewhere")
        path.symlink_to(folder(ring) / "elsewhere")
        with pytest.raises(OSError, match=r"symbolic|loop|ELOOP"):
            ring.get_public_key(SigningKey.LEDGER)

        path.unlink()
        path.touch(mode=0o600)
        with pytest.raises(NoKeyring):
            ring.get_public_key(SigningKey.LEDGER)

    def test_is_made_once_and_never_replaced(self, ring):
        before = ring.get_public_key(SigningKey.RECEIPTS)

        assert FileKeyring.create(folder(ring)).get_public_key(SigningKey.RECEIPTS) == before
        assert ring.list_epochs(CONTENT) == (1,)

    @pytest.mark.claim("key-store.files")
    @pytest.mark.invariant(6)
    def test_overwrites_a_key_before_it_unlinks_it(self, ring):
        path = folder(ring) / "kek-content-00000001.key"
        key = path.read_bytes()
        kept = os.open(path, os.O_RDONLY)

        ring.destroy_epoch(CONTENT, 1)
        ring.destroy_epoch(CONTENT, 1)

        try:
            assert os.read(kept, 64) != key
        finally:
            os.close(kept)
        assert not path.exists()

    def test_lets_one_of_two_make_an_epoch(self, ring):
        ring._write_key("kek-content-00000002")

        with pytest.raises(FileExistsError):
            ring._write_key("kek-content-00000002")
        assert not [path for path in folder(ring).iterdir() if path.suffix == ".new"]

    def test_keeps_the_bytes_of_a_wrapping_as_they_always_were(self, ring):
        # Keys that were wrapped before there was another keyring still open.
        holder, key_id = uuid7(), b"12345678"
        key = (folder(ring) / "kek-content-00000001.key").read_bytes()
        bound = b"LU-key/1\0" + holder.bytes + key_id + (1).to_bytes(8, "big") + b"content"
        wrapped = b"n" * 12 + AESGCM(key).encrypt(b"n" * 12, b"k" * 32, bound)

        assert ring.unwrap(CONTENT, 1, wrapped, KeyBinding(holder, key_id)) == b"k" * 32

    @pytest.mark.django_db
    def test_is_made_by_a_command(self, settings, tmp_path, capsys):
        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "made")
        call_command("init_keyring")

        assert "keyring ready" in capsys.readouterr().out
        assert get_keyring().list_epochs(CONTENT) == (1,)

        Path(settings.KEYRING.folder).chmod(0o755)
        with pytest.raises(CommandError):
            call_command("init_keyring")


@pytest.fixture
def survivors(ring, db):
    """Return the holders of five keys."""
    holders = [uuid7() for _ in range(5)]
    for holder in holders:
        data_keys.create_data_key(holder=holder, line=CONTENT, at=NOW)
    return holders


@EITHER
@pytest.mark.django_db
@pytest.mark.invariant(6)
class TestKeyEpochRotation:
    @pytest.mark.scenario("O1")
    def test_wraps_every_survivor_anew_and_says_how_many_of_how_many(
        self, survivors, ring, monkeypatch
    ):
        monkeypatch.setattr(key_epochs, "BATCH", 2)

        turned = key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert (turned.rewrapped_count, turned.key_count, turned.destroyed) == (5, 5, (1,))
        assert set(DataKey.objects.values_list("kek_epoch", flat=True)) == {2}
        assert ring.list_epochs(CONTENT) == (2,)

    def test_leaves_everything_readable(self, seal, permit):
        sealed, held = seal(), permit()

        for _ in range(3):
            key_epochs.rotate_key_epoch(CONTENT, NOW)
            data_keys.drop_cached_keys()

        assert opening.open_sealed_values([sealed], held, at=NOW) == [b"canary"]

    @pytest.mark.claim(
        "data-use.key-epochs",
        "receipt.backups",
        "receipt.key-epoch",
        "part-2.backups",
        "erase.at-once",
    )
    def test_makes_a_deleted_row_worthless(self, holder, ring):
        row = DataKey.objects.get(holder=holder)
        remembered = data_keys.DataKeyRow(
            holder, CONTENT, 1, bytes(row.key_id), bytes(row.wrapped), row.kek_epoch
        )
        data_keys.destroy_returning_id(holder=holder)
        assert data_keys.unwrap(remembered)

        key_epochs.rotate_key_epoch(CONTENT, NOW)
        data_keys.drop_cached_keys()

        with pytest.raises(EpochGone):
            data_keys.unwrap(remembered)

    def test_records_which_epoch_ended(self, survivors):
        key_epochs.rotate_key_epoch(CONTENT, NOW)

        ended = KeyEpoch.objects.get(line=CONTENT, number=1)
        entry = bytes(Leaf.objects.get(id=ended.entry_id).payload)
        assert ended.destroyed_at == NOW
        assert b'"event":"key_epoch.destroyed"' in entry
        assert b'"epoch":1' in entry

    def test_does_not_touch_the_other_line(self, survivors, ring):
        key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert ring.list_epochs(KeyLine.CREDENTIAL) == (1,)

    @pytest.mark.invariant(5)
    def test_lets_a_disconnect_through_while_the_keyring_works(self, survivors, ring, monkeypatch):
        rewrap, depth = type(ring).rewrap, len(connection.savepoint_ids)

        def meanwhile(self, *asked):
            # No transaction of the turn's own is open, so that no row is locked.
            assert len(connection.savepoint_ids) == depth
            data_keys.destroy_returning_id(holder=survivors[0])
            return rewrap(self, *asked)

        monkeypatch.setattr(type(ring), "rewrap", meanwhile)

        turned = key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert (turned.rewrapped_count, turned.key_count) == (4, 4)
        assert data_keys.read_row(survivors[0]) is None

    @pytest.mark.parametrize("step", ["_rewrap_batch", "_end_epochs"])
    def test_is_finished_by_the_next_one_if_killed(self, survivors, ring, monkeypatch, step):
        class Killed(BaseException):
            pass

        def die(*_):
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(key_epochs, step, die)
            with pytest.raises(Killed):
                key_epochs.rotate_key_epoch(CONTENT, NOW)
        assert ring.list_epochs(CONTENT) == (1, 2)

        turned = key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert (turned.epoch, turned.destroyed) == (2, (1,))
        assert ring.list_epochs(CONTENT) == (2,)

    def test_is_recorded_by_the_next_one_if_killed_after_destroying(
        self, survivors, ring, monkeypatch
    ):
        with monkeypatch.context() as patch:
            patch.setattr(
                key_epochs.entries,
                "record_ledger_event",
                lambda **_: (_ for _ in ()).throw(KeyboardInterrupt),
            )
            with pytest.raises(KeyboardInterrupt):
                key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert key_epochs.rotate_key_epoch(CONTENT, NOW).destroyed == (1, 2)

    @pytest.mark.scenario("O1")
    def test_fails_closed_if_a_key_would_be_left_behind(self, survivors, ring):
        DataKey.objects.filter(holder=survivors[0]).update(wrapped=b"damaged" * 9)

        with pytest.raises(key_epochs.LeftBehind):
            key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert ring.list_epochs(CONTENT) == (1, 2)

    def test_is_turned_by_a_command(self, survivors, capsys):
        call_command("turn_key_epoch")

        assert "content: epoch 2, 5 of 5 keys rewrapped" in capsys.readouterr().out
