"""Sealed bytes without their key, and keys without an owner: found, and an alarm."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.ids import uuid7
from accounts.models import Alarm
from integrations.models import Message
from integrations.purge import orphaned_keys
from integrations.tasks import purge as purge_tasks
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models.ledger_keys import LedgerKey
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.walls import acting_as

pytestmark = pytest.mark.invariant(5)


class TestSealedBytes:
    def test_are_none_where_all_is_well(self, mailbox):
        assert orphaned_keys.count_values_without_key() == {}

    def test_that_outlived_their_key_are_found_by_column(self, mailbox):
        with transaction.atomic():
            data_keys.destroy_data_key(holder=mailbox.id)

        found = orphaned_keys.count_values_without_key()

        assert found["integrations.Message.summary"] == Message.objects.count() > 0
        assert {"integrations.MessageBody.content", "integrations.SyncWork.cursor"} <= set(found)
        assert not {one for one in found if one.startswith("integrations.Connection.")}

    def test_of_a_key_that_another_took_the_place_of_are_found(self, mailbox):
        with transaction.atomic():
            data_keys.destroy_data_key(holder=mailbox.id)
            data_keys.create_data_key(
                holder=mailbox.id, line=KeyLine.CONTENT, at=NOW, epoch=mailbox.epoch
            )

        assert "integrations.Message.summary" in orphaned_keys.count_values_without_key()

    def test_that_a_purge_is_about_to_remove_are_none(self, mailbox):
        open_purge_job(mailbox)

        assert Message.objects.exists()
        assert orphaned_keys.count_values_without_key() == {}


class TestOrphanedKeys:
    def test_all_have_an_owner_where_all_is_well(self, mailbox):
        assert orphaned_keys.count_keys_without_owner() == {}

    def test_keep_theirs_until_the_grant_is_given_back(self, mailbox):
        open_purge_job(mailbox)

        assert orphaned_keys.count_keys_without_owner() == {}

    def test_that_wrap_the_ledgers_keys_are_nobodys_and_in_place(self, mailbox):
        ledger_keys.create_ledger_key(holder=mailbox.connection_id, at=NOW)

        assert orphaned_keys.count_keys_without_owner() == {}

    def test_of_the_ledger_that_outlived_their_row_are_found(self, mailbox):
        ledger_keys.create_ledger_key(holder=mailbox.connection_id, at=NOW)
        row = LedgerKey.objects.filter(holder=mailbox.connection_id)
        row.update(destroyed_at=NOW, outcome=LedgerKey.Outcome.EXPIRED)

        assert orphaned_keys.count_keys_without_owner() == {"ledger": 1}
        row.delete()
        assert orphaned_keys.count_keys_without_owner() == {"ledger": 1}

    def test_of_nobody_are_found_by_line(self, mailbox):
        with transaction.atomic():
            data_keys.create_data_key(holder=uuid7(), line=KeyLine.CONTENT, at=NOW, epoch=1)
            data_keys.create_data_key(holder=uuid7(), line=KeyLine.CREDENTIAL, at=NOW, epoch=1)

        assert orphaned_keys.count_keys_without_owner() == {
            str(KeyLine.CONTENT): 1,
            str(KeyLine.CREDENTIAL): 1,
        }


class TestTheSearch:
    def test_raises_an_alarm_for_each_place_once_a_day(self, mailbox):
        with transaction.atomic():
            data_keys.create_data_key(holder=uuid7(), line=KeyLine.CONTENT, at=NOW, epoch=1)
            data_keys.destroy_data_key(holder=mailbox.id)

        with acting_as("purge"):
            for _ in range(2):
                purge_tasks.search_residue()

        kinds = Alarm.objects.values_list("kind", "body__resource")
        assert ("vault.stray_key", "content") in kinds
        assert ("vault.stray_bytes", "integrations.Message.summary") in kinds
        assert len(kinds) == len(set(kinds))
