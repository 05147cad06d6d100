"""A copy of the key store from before the epoch opens kept ciphertext; the receipt said so."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from integrations import purge, tasks
from integrations.models import Message, PurgeJob, PurgeStep
from limited_use.ledger import ledger_sequencer
from limited_use.models import Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys, envelope
from limited_use.vault.keyring.keyring_factory import _open_transit
from limited_use.vault.keyring.keyring_port import EpochGone
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.openbao import server

pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("WDEL", "WSEC-KEY")]


class Files:
    """A file keyring, and a copy of its folder as a backup would have made it."""

    def __init__(self, folder, copy):
        self.folder, self.kept = folder, copy

    def copy(self):
        shutil.copytree(self.folder, self.kept)

    def restore(self):
        shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)


class Engine(Files):
    """A transit engine, and a copy of its storage; it has to stand still for both."""

    def __init__(self, bao, copy):
        super().__init__(bao.data, copy)
        self.bao = bao

    def copy(self):
        self._standing_still(super().copy)

    def restore(self):
        self._standing_still(self._put_back)

    def _put_back(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder)

    def _standing_still(self, act):
        self.bao.stop()
        act()
        self.bao.start()
        self.bao.unseal()


@pytest.fixture(params=["files", "transit"])
def store(request, tmp_path, settings):
    """Return a key store of this test's own, which can be copied and put back."""
    copy = tmp_path / "copy"
    if request.param == "files":
        yield Files(settings.KEYRING.folder, copy)
        return
    (tmp_path / "bao").mkdir()
    with server.run_openbao(tmp_path / "bao") as bao:
        place = bao.place("copies")._replace(token=bao.root)
        TransitKeyring.create(place)
        settings.KEYRING = replace(settings.KEYRING, **place._asdict())
        yield Engine(bao, copy)
        _open_transit.cache_clear()


@pytest.fixture
def kept(store, mailbox):
    """Return what a copy of the database from before the removal has of one message."""
    message = Message.objects.filter(integration=mailbox).first()
    return message.summary, data_keys.read_row(mailbox.id)


def open_kept_record(kept):
    sealed, row = kept
    data_keys.drop_cached_keys()
    return envelope.open_record(sealed.ciphertext, sealed.binding, data_keys.unwrap(row))


def purge_to_receipt(mailbox, clock):
    """Run the purge to its receipt, and the epochs to their end; return both parts."""
    job = open_purge_job(mailbox)
    while purge.run_purge(job_id=job.id, now=clock) is not PurgeStep.DONE:
        clock.at = PurgeJob.objects.get(id=job.id).next_try_at
    for line in KeyLine:
        key_epochs.rotate_key_epoch(line, NOW)
    ledger_sequencer.run_sequencer(NOW)
    tasks.purge.write_second_parts()
    return [json.loads(bytes(part.document))["body"] for part in Receipt.objects.order_by("part")]


class TestACopyOfTheKeyStore:
    @pytest.mark.claim("key-store.copy-opens", "part-2.copies-unknown", "part-2.copies")
    @pytest.mark.claim("receipt.backups", "receipt.key-epoch")
    def test_opens_what_the_live_one_no_longer_does_and_the_receipt_said_so(
        self, store, kept, mailbox, clock
    ):
        before = open_kept_record(kept)
        store.copy()

        first, second = purge_to_receipt(mailbox, clock)

        # The live key store destroyed it: a copy of the database alone is worthless.
        with pytest.raises(EpochGone):
            open_kept_record(kept)
        store.restore()
        assert open_kept_record(kept) == before
        # Nobody was promised anything else.
        for part in (first, second):
            copies = part["remains"]["key_store_copies"]
            assert copies["until"] == "unknown"
            assert (
                "a copy of the database from before the removal would still open" in copies["says"]
            )

    @pytest.mark.claim("part-2.copies", "part-2.copies-unknown")
    def test_opens_nothing_if_it_was_made_after_the_epoch(self, store, kept, mailbox, clock):
        purge_to_receipt(mailbox, clock)

        store.copy()
        store.restore()

        with pytest.raises(EpochGone):
            open_kept_record(kept)
