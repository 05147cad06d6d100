from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Alarm
from config import keyring_check
from config.process_classes import ProcessClass
from limited_use import checks
from limited_use.models import DataKey, KeyEpoch
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.tasks import turn_key_epoch
from limited_use.vault import data_key_rows, data_keys, keyring_fit, ledger_key_wrap
from limited_use.vault.keyring.keyring_port import EpochGone
from tests.limited_use.conftest import EITHER, NOW
from tests.walls import acting_as

CONTENT = KeyLine.CONTENT


@pytest.fixture
def lose(ring, settings, tmp_path, openbao):
    """Return a function that has the service look for its keyring where there is none."""

    def lose():
        data_keys.drop_cached_keys()
        if settings.KEYRING.url:
            settings.KEYRING = replace(settings.KEYRING, prefix=f"t-{secrets.token_hex(6)}")
        else:
            settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "elsewhere")

    return lose


@EITHER
@pytest.mark.django_db
@pytest.mark.scenario("A1")
class TestProblems:
    def test_are_none_while_the_keyring_fits(self, holder):
        assert keyring_fit.find_problems() == []
        key_epochs.rotate_key_epoch(CONTENT, NOW)
        assert keyring_fit.find_problems() == []
        assert checks.check_keyring_fit(databases=["default"]) == []

    def test_name_keys_of_an_epoch_that_is_not_there(self, holder):
        DataKey.objects.update(kek_epoch=7)

        (said,) = keyring_fit.find_problems()
        (problem,) = checks.check_keyring_fit(databases=["default"])

        assert said.startswith("1 content keys are wrapped under epoch 7")
        assert (problem.id, problem.msg) == ("limited_use.E012", said)

    @pytest.mark.invariant(6)
    def test_stop_a_turn_that_would_take_the_number_of_a_lost_epoch(self, holder, ring):
        DataKey.objects.update(kek_epoch=2)

        with pytest.raises(key_epochs.LeftBehind, match="older copy"):
            key_epochs.rotate_key_epoch(CONTENT, NOW)

        assert ring.list_epochs(CONTENT) == (1,)

    def test_name_keys_of_another_keyring(self, holder):
        DataKey.objects.update(wrapped=b"\1" * 60)

        (said,) = keyring_fit.find_problems()

        assert "another keyring" in said

    def test_name_another_keyring_to_a_web_process_by_the_key_that_is_nobodys(self, holder):
        data_keys.create_data_key(
            holder=ledger_key_wrap.get_naming_holder(1), line=KeyLine.ACCOUNT, at=NOW
        )
        with acting_as(ProcessClass.WEB):
            assert keyring_fit.find_problems() == []

        DataKey.objects.update(wrapped=b"\1" * 60)

        with acting_as(ProcessClass.WEB):
            (said,) = keyring_fit.find_problems()
        assert said.startswith("1 account keys are wrapped under an epoch 1 of another keyring")

    @pytest.mark.invariant(8)
    def test_tell_one_key_that_is_damaged_from_another_keyring(self, holder):
        others = [uuid7() for _ in range(3)]
        for one in others:
            data_keys.create_data_key(holder=one, line=CONTENT, at=NOW)
        # The one that is looked at, whichever that is.
        looked_at = data_key_rows.get_keys_to_rewrap(CONTENT, before_epoch=2, limit=1)[0].holder
        DataKey.objects.filter(holder=looked_at).update(wrapped=b"\1" * 60)

        (said,) = keyring_fit.find_problems()

        assert said.startswith("one of 4 content keys of epoch 1 does not unwrap, though others do")

    @pytest.mark.invariant(6)
    def test_name_an_epoch_that_came_back(self, ring, holder):
        KeyEpoch.objects.update(destroyed_at=NOW, entry_id=uuid7())

        (said,) = keyring_fit.find_problems()

        assert said.startswith("the content key of epoch 1 is here")


@pytest.mark.django_db
class TestDatabaseCopy:
    @pytest.mark.invariant(6)
    def test_from_before_an_epoch_opens_what_was_destroyed_until_it_is_gone_too(
        self, ring, holder, tmp_path
    ):
        row = data_keys.read_row(holder)
        shutil.copytree(tmp_path / "keyring", tmp_path / "copy")
        data_keys.destroy_returning_id(holder=holder)
        key_epochs.rotate_key_epoch(CONTENT, NOW)
        data_keys.drop_cached_keys()
        with pytest.raises(EpochGone):
            data_keys.unwrap(row)

        shutil.copytree(tmp_path / "copy", tmp_path / "keyring", dirs_exist_ok=True)

        assert data_keys.unwrap(row)
        assert keyring_fit.find_problems()
        # Turned as it says: gone again, and this copy with it.
        key_epochs.rotate_key_epoch(CONTENT, NOW)
        data_keys.drop_cached_keys()
        with pytest.raises(EpochGone):
            data_keys.unwrap(row)
        assert keyring_fit.find_problems() == []


@pytest.mark.django_db
class TestTheWatch:
    @pytest.fixture(autouse=True)
    def young(self, holder):
        """The task asks the clock: no epoch's day is over yet, whatever the day is today."""
        KeyEpoch.objects.update(began_at=timezone.now())

    def test_alarms_where_there_is_no_keyring(self, ring, holder, tmp_path):
        (tmp_path / "keyring").rename(tmp_path / "away")

        turn_key_epoch()
        turn_key_epoch()

        assert list(Alarm.objects.values_list("kind", "body")) == [
            ("keyring.unavailable", {"error": "NoKeyring"})
        ]

    def test_alarms_where_it_does_not_fit(self, ring, holder):
        DataKey.objects.update(wrapped=b"\1" * 60)

        turn_key_epoch()

        unfit = Alarm.objects.filter(kind="keyring.unfit")
        assert list(unfit.values_list("body", flat=True)) == [{"count": 1}]

    @pytest.mark.invariant(8)
    @pytest.mark.invariant(6)
    def test_ends_the_epochs_of_other_lines_where_one_key_of_one_is_damaged(self, ring, holder):
        data_keys.create_data_key(holder=uuid7(), line=KeyLine.ACCOUNT, at=NOW)
        DataKey.objects.filter(holder=holder).update(wrapped=b"\1" * 60)
        KeyEpoch.objects.update(began_at=NOW - timedelta(days=400))

        for _ in range(2):
            turn_key_epoch()

        assert ring.list_epochs(KeyLine.ACCOUNT) == (2,)
        assert ring.list_epochs(CONTENT) == (1, 2)
        (alarm,) = Alarm.objects.filter(kind="key_epoch.left_behind")
        assert (alarm.about, alarm.body) == (key_epochs.SUBJECTS[CONTENT], {"line": "content"})

    def test_says_nothing_while_all_is_well(self, ring, holder):
        turn_key_epoch()

        assert not Alarm.objects.exists()


@EITHER
@pytest.mark.django_db
@pytest.mark.scenario("A1")
class TestAKeyringThatIsGone:
    def test_is_not_replaced_by_a_new_one(self, holder, lose, settings):
        lose()

        with pytest.raises(CommandError, match=r"^1 keys in the database belong to another"):
            call_command("init_keyring")

        assert keyring_fit.count_orphaned_keys() == 1

    def test_is_given_up_where_somebody_says_so(self, holder, lose):
        lose()

        call_command("init_keyring", anew=True)

        assert keyring_fit.count_orphaned_keys() == 0
        assert "another keyring" in " ".join(keyring_fit.find_problems())

    def test_is_not_one_that_is_there(self, holder):
        assert keyring_fit.count_orphaned_keys() == 0
        call_command("init_keyring")

    def test_is_not_missed_where_nothing_was_sealed(self, ring, db, lose):
        lose()

        call_command("init_keyring")

        assert keyring_fit.find_problems() == []


@pytest.mark.django_db
class TestAProcessThatStarts:
    def test_says_what_does_not_fit_and_goes_on(self, holder, capsys):
        DataKey.objects.update(wrapped=b"\1" * 60)

        keyring_check.report_keyring_fit()

        said = capsys.readouterr().err
        assert said.startswith("keyring: 1 content keys are wrapped under an epoch 1 of another")
        assert list(Alarm.objects.values_list("kind", flat=True)) == ["keyring.unfit"]

    def test_says_that_the_keyring_is_not_there(self, holder, ring, tmp_path, capsys):
        (tmp_path / "keyring").rename(tmp_path / "away")

        keyring_check.report_keyring_fit()

        assert "no keyring in" in capsys.readouterr().err

    @pytest.mark.parametrize("process_class", ProcessClass)
    def test_may_look_whatever_its_class(self, holder, process_class, capsys):
        DataKey.objects.update(kek_epoch=7)

        with acting_as(process_class):
            keyring_check.report_keyring_fit()

        # The console opens nothing, so nothing can be wrong for it.
        makes_keys = process_class not in {ProcessClass.CONSOLE, ProcessClass.STAFF}
        assert bool(capsys.readouterr().err) is makes_keys

    def test_says_nothing_while_all_is_well(self, holder, capsys):
        keyring_check.report_keyring_fit()

        assert capsys.readouterr().err == ""
