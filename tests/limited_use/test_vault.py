from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import zstandard
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.models import Alarm
from integrations.models import Message, MessageBody
from limited_use.access_request import Fence, FenceKind
from limited_use.models import DataKey
from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault import blind_index, data_keys, envelope, opening, record_compression
from limited_use.vault.data_keys import KeyDestroyed, UnwrappedKey
from limited_use.vault.envelope import Damaged, KeyDamaged, Unopenable
from limited_use.vault.keyring.keyring_port import NoKeyring
from limited_use.vault.sealed import CiphertextBinding, SealedValue
from limited_use.vault.sealing import get_sealer
from tests.limited_use.conftest import EITHER, NOW, SHOW_CONTENT

ROOT = bytes(range(32))
KEY = UnwrappedKey(ROOT, data_keys.compute_data_key_id(ROOT))
OTHER = UnwrappedKey(ROOT[::-1], data_keys.compute_data_key_id(ROOT[::-1]))
PLACE = CiphertextBinding(UUID(int=1), DataClass.MAIL_METADATA, "mail", UUID(int=2), "summary")
ELSEWHERE = {
    "holder": CiphertextBinding(
        UUID(int=9), DataClass.MAIL_METADATA, "mail", UUID(int=2), "summary"
    ),
    "class": CiphertextBinding(UUID(int=1), DataClass.MAIL_CONTENT, "mail", UUID(int=2), "summary"),
    "table": CiphertextBinding(
        UUID(int=1), DataClass.MAIL_METADATA, "post", UUID(int=2), "summary"
    ),
    "row": CiphertextBinding(UUID(int=1), DataClass.MAIL_METADATA, "mail", UUID(int=3), "summary"),
    "column": CiphertextBinding(
        UUID(int=1), DataClass.MAIL_METADATA, "mail", UUID(int=2), "remote_id"
    ),
}


class TestRecords:
    @given(data=st.binary(max_size=4000))
    def test_open_to_what_was_sealed(self, data):
        assert envelope.open_record(envelope.seal_record(data, PLACE, KEY), PLACE, KEY) == data

    def test_never_look_the_same_twice(self):
        assert envelope.seal_record(b"same", PLACE, KEY) != envelope.seal_record(
            b"same", PLACE, KEY
        )

    def test_add_forty_bytes(self):
        assert len(envelope.seal_record(b"", PLACE, KEY)) == 40

    def test_name_format_and_key_in_a_header(self):
        record = envelope.seal_record(b"x", PLACE, KEY)

        assert record[:4] == b"LU1\0"
        assert record[4:12] == KEY.key_id

    @pytest.mark.parametrize("place", ELSEWHERE)
    def test_do_not_open_in_another_place(self, place):
        with pytest.raises(Unopenable):
            envelope.open_record(envelope.seal_record(b"x", PLACE, KEY), ELSEWHERE[place], KEY)

    @given(
        names=st.tuples(st.text("ab\0", max_size=3), st.text("ab\0", max_size=3)),
        others=st.tuples(st.text("ab\0", max_size=3), st.text("ab\0", max_size=3)),
    )
    def test_are_bound_without_ambiguity(self, names, others):
        names, others = (tuple(n.replace("\0", "") for n in pair) for pair in (names, others))
        one, other = (
            CiphertextBinding(UUID(int=1), DataClass.PROFILE, table, UUID(int=2), column)
            for table, column in (names, others)
        )

        assert (one.associated_data(b"") == other.associated_data(b"")) is (names == others)

    @pytest.mark.control("4.1.4")
    @pytest.mark.parametrize("size", [1, 3000])
    def test_fail_with_one_wordless_error_whatever_is_wrong(self, size):
        record = envelope.seal_record(b"x" * size, PLACE, KEY)
        wrong = [record[:length] for length in range(min(len(record), 60))]
        wrong += [
            record[:at] + bytes([record[at] ^ 1 << bit]) + record[at + 1 :]
            for at in range(len(record))
            for bit in (0, 7)
        ]
        wrong += [b"plaintext", b"", record + b"\0", envelope.seal_record(b"x", PLACE, OTHER)]

        seen = set()
        for one in wrong:
            with pytest.raises(Unopenable) as caught:
                envelope.open_record(one, PLACE, KEY)
            error = caught.value
            seen.add((type(error), str(error), error.__cause__, error.__context__))
        assert seen == {(Damaged, "", None, None)}

    @pytest.mark.claim("data-use.encrypted")
    @pytest.mark.control("4.1.3")
    def test_are_aes_256_gcm_with_a_random_nonce_of_96_bits(self):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

        record = envelope.seal_record(b"x", PLACE, KEY)
        info = b"antares/limited-use/1/class/mail.metadata"
        derived = HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(ROOT)

        opened = AESGCM(derived).decrypt(
            record[12:24], record[24:], PLACE.associated_data(record[:12])
        )
        assert opened == b"x"
        assert len({envelope.seal_record(b"x", PLACE, KEY)[12:24] for _ in range(1000)}) == 1000


class TestCompression:
    def test_leaves_short_records_alone(self):
        assert record_compression.compress_record(b"a" * 255) is None
        assert record_compression.compress_record(b"a" * 256) is not None

    def test_leaves_alone_what_would_not_shrink(self):
        assert record_compression.compress_record(b"".join(bytes([n]) for n in range(256))) is None

    def test_marks_what_it_packed_and_that_mark_is_authenticated(self):
        record = envelope.seal_record(b"a" * 5000, PLACE, KEY)

        assert record[3] == envelope.ZSTD
        assert len(record) < 200
        with pytest.raises(Unopenable):
            envelope.open_record(record[:3] + b"\0" + record[4:], PLACE, KEY)

    def test_refuses_a_bomb_before_it_unpacks(self, monkeypatch):
        monkeypatch.setattr(record_compression, "MAX_RECORD_BYTES", 1000)
        frame = zstandard.ZstdCompressor().compress(b"\0" * 1001)

        with pytest.raises(record_compression.RecordTooLarge):
            record_compression.expand_record(frame)

    def test_refuses_a_frame_that_does_not_say_its_size(self):
        frame = zstandard.ZstdCompressor(write_content_size=False).compress(b"\0" * 1001)

        with pytest.raises(record_compression.RecordTooLarge):
            record_compression.expand_record(frame)

    def test_refuses_to_seal_what_could_not_be_opened(self, monkeypatch):
        monkeypatch.setattr(record_compression, "MAX_RECORD_BYTES", 1000)

        with pytest.raises(record_compression.RecordTooLarge):
            envelope.seal_record(b"\0" * 1001, PLACE, KEY)


@EITHER
@pytest.mark.django_db
class TestOpening:
    @pytest.mark.invariant(2)
    def test_opens_under_a_permit_for_that_holder_and_class(self, seal, permit):
        assert opening.open_sealed_values([seal(b"one"), seal(b"two")], permit(), at=NOW) == [
            b"one",
            b"two",
        ]

    def test_reads_key_and_fences_in_one_query_per_batch(self, seal, permit):
        sealed, held = [seal() for _ in range(50)], permit()
        fenced = permit(fences=(Fence(FenceKind.MEMBERSHIP, uuid7(), 1),))

        with CaptureQueriesContext(connection) as plain:
            opening.open_sealed_values(sealed, held, at=NOW)
        with CaptureQueriesContext(connection) as with_fence, pytest.raises(Unopenable):
            opening.open_sealed_values(sealed, fenced, at=NOW)

        assert (len(plain), len(with_fence)) == (1, 1)

    @pytest.mark.invariant(2)
    @pytest.mark.claim("data-use.permits")
    def test_refuses_another_class(self, seal, permit):
        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], permit(use=SHOW_CONTENT), at=NOW)

    @pytest.mark.invariant(2)
    @pytest.mark.claim("data-use.permits")
    def test_refuses_another_holder(self, seal, permit):
        other = uuid7()
        data_keys.create_data_key(holder=other, line=KeyLine.CONTENT, at=NOW)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], permit(holder=other), at=NOW)

    @pytest.mark.invariant(2)
    @pytest.mark.claim("data-use.permits")
    def test_refuses_a_permit_that_has_expired(self, seal, permit):
        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], permit(), at=NOW + timedelta(seconds=60))

    @pytest.mark.claim("data-use.permits")
    @pytest.mark.invariant(2)
    def test_refuses_a_permit_that_was_not_in_the_batch(self, seal, permit):
        batch = opening.begin_opening_batch([permit()], at=NOW)

        with pytest.raises(Unopenable):
            batch.open_value(seal(), permit())

    @pytest.mark.invariant(5)
    def test_opens_nothing_once_the_key_is_destroyed_though_it_was_cached(
        self, seal, permit, holder
    ):
        sealed, held = seal(), permit()
        assert opening.open_sealed_values([sealed], held, at=NOW)

        data_keys.destroy_returning_id(holder=holder)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([sealed], held, at=NOW)

    @pytest.mark.invariant(5)
    def test_opens_nothing_under_an_older_epoch(self, seal, permit, holder):
        sealed, held = seal(), permit()
        data_keys.raise_data_key_epoch(holder=holder, epoch=2)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([sealed], held, at=NOW)
        assert opening.open_sealed_values([sealed], permit(epoch=2), at=NOW) == [b"canary"]

    @pytest.mark.scenario("A1")
    @pytest.mark.invariant(4)
    @pytest.mark.control("6.7.1")
    def test_refuses_plaintext_planted_in_the_column(self, permit, holder):
        row = uuid7()
        place = CiphertextBinding(
            holder, DataClass.MAIL_METADATA, "integrations_message", row, "summary"
        )

        with pytest.raises(Unopenable):
            opening.open_sealed_values(
                [SealedValue(b'{"subject": "planted"}', place)], permit(), at=NOW
            )

    @pytest.mark.claim("data-use.encrypted")
    @pytest.mark.scenario("A1")
    def test_leaves_no_plaintext_in_what_it_stores(self, seal):
        assert b"canary" not in seal(b"canary" * 100).ciphertext

    def test_reads_the_row_again_when_a_turn_destroyed_its_epoch_meanwhile(
        self, seal, permit, holder, ring, monkeypatch
    ):
        sealed, held = seal(), permit()
        data_keys.drop_cached_keys()
        read, stale = opening._read_keys_and_fences, opening._read_keys_and_fences([held], NOW)
        from limited_use.rotation import key_epochs

        key_epochs.rotate_key_epoch(KeyLine.CONTENT, NOW)
        answers = iter([stale])
        monkeypatch.setattr(
            opening,
            "_read_keys_and_fences",
            lambda permits, at: next(answers, None) or read(permits, at),
        )

        assert opening.open_sealed_values([sealed], held, at=NOW) == [b"canary"]


@EITHER
@pytest.mark.django_db
@pytest.mark.invariant(8)
class TestDamagedDataKey:
    """It is there, the key store answers, and it does not unwrap."""

    WRONG = (
        {"wrapped": b"\1" * 60},
        {"wrapped": b""},
        {"wrapped": b"\1" * 7},
        {"key_id": b"\1" * 8},
        {"kek_epoch": 7},
    )

    @pytest.fixture
    def neighbour(self, ring, db):
        other = uuid7()
        data_keys.create_data_key(holder=other, line=KeyLine.CONTENT, at=NOW)
        return other

    @pytest.mark.parametrize("wrong", WRONG, ids=str)
    def test_closes_what_is_under_it_and_nothing_else(self, seal, permit, holder, neighbour, wrong):
        held, beside = permit(), permit(holder=neighbour)
        sealed, row = seal(), uuid7()
        other = get_sealer(holder=neighbour, epoch=1).seal_value(
            Message, "summary", row=row, data=b"there"
        )
        DataKey.objects.filter(holder=holder).update(**wrong)
        data_keys.drop_cached_keys()

        batch = opening.begin_opening_batch([held, beside], at=NOW)

        assert batch.open_value(other, beside) == b"there"
        with pytest.raises(KeyDamaged):
            batch.open_value(sealed, held)

    def test_is_told_from_one_that_is_gone(self, seal, permit, holder):
        sealed, held = seal(), permit()
        data_keys.destroy_returning_id(holder=holder)

        with pytest.raises(Unopenable) as caught:
            opening.open_sealed_values([sealed], held, at=NOW)

        assert type(caught.value) is Unopenable
        assert not Alarm.objects.exists()

    @pytest.mark.invariant(5)
    def test_opens_no_fence(self, seal, permit, holder):
        held = permit(fences=(Fence(FenceKind.MEMBERSHIP, uuid7(), 1),))
        DataKey.objects.filter(holder=holder).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        with pytest.raises(Unopenable) as caught:
            opening.begin_opening_batch([held], at=NOW)
        assert type(caught.value) is Unopenable

    @pytest.mark.clause("AN-19")
    def test_is_one_alarm_a_day(self, permit, holder):
        held, another = permit(), permit(use=SHOW_CONTENT)
        DataKey.objects.filter(holder=holder).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        for _ in range(3):
            opening.begin_opening_batch([held, another], at=NOW)

        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.about) == ("key.damaged", holder)
        assert alarm.body == {"line": "content", "epoch": 1}


@pytest.fixture
def fences(db, ring):
    """Return alice's membership and a delegation of hers, as they would be fences."""
    from accounts.models import Delegation, Membership, Organisation, User

    user = User.objects.create(
        email="alice@example.com", platform_id="u-1", registered_at=NOW, last_seen_at=NOW
    )
    organisation = Organisation.objects.create(name="Acme", platform_id="o-1", founded_at=NOW)
    return (
        Membership.objects.create(user=user, organisation=organisation, joined_at=NOW),
        Delegation.objects.create(
            user=user,
            organisation=organisation,
            feature="inbox-widget",
            feature_version=1,
            switched_on_at=NOW,
        ),
    )


def fence_of(kind, row):
    return Fence(kind, row.id, row.epoch)


@pytest.mark.django_db
@pytest.mark.invariant(5)
class TestFences:
    def test_let_pass_while_they_stand(self, seal, permit, fences):
        membership, delegation = fences
        held = permit(
            fences=(
                fence_of(FenceKind.MEMBERSHIP, membership),
                fence_of(FenceKind.DELEGATION, delegation),
            )
        )

        assert opening.open_sealed_values([seal()], held, at=NOW) == [b"canary"]

    @pytest.mark.parametrize(
        ("which", "kind", "ended"),
        [(0, FenceKind.MEMBERSHIP, "left_at"), (1, FenceKind.DELEGATION, "switched_off_at")],
    )
    @pytest.mark.parametrize("change", ["epoch", "ended"])
    def test_stop_a_permit_in_hand_once_withdrawn(  # noqa: PLR0917
        self, seal, permit, fences, which, kind, ended, change
    ):
        row = fences[which]
        held = permit(fences=(fence_of(kind, row),))
        type(row).objects.filter(id=row.id).update(
            **({"epoch": row.epoch + 1} if change == "epoch" else {ended: NOW})
        )

        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], held, at=NOW)

    def test_stop_what_names_none_that_exists(self, seal, permit):
        held = permit(fences=(Fence(FenceKind.DELEGATION, uuid7(), 1),))

        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], held, at=NOW)


@EITHER
@pytest.mark.django_db
class TestSealer:
    @pytest.mark.invariant(5)
    def test_is_refused_once_the_key_is_destroyed(self, holder):
        destroyed = data_keys.destroy_returning_id(holder=holder)

        assert len(destroyed) == 16
        assert data_keys.destroy_returning_id(holder=holder) is None
        with pytest.raises(KeyDestroyed):
            get_sealer(holder=holder, epoch=1)

    @pytest.mark.invariant(5)
    def test_is_refused_under_another_epoch(self, holder):
        with pytest.raises(KeyDestroyed):
            get_sealer(holder=holder, epoch=2)
        with pytest.raises(KeyDestroyed):
            data_keys.raise_data_key_epoch(holder=holder, epoch=1)

    def test_seals_only_into_sealed_columns(self, holder):
        with pytest.raises(TypeError):
            get_sealer(holder=holder, epoch=1).seal_value(Message, "size", row=uuid7(), data=b"")

    def test_derives_a_key_per_class(self, holder):
        one = get_sealer(holder=holder, epoch=1)
        body = one.seal_value(MessageBody, "content", row=uuid7(), data="text")

        assert body.binding.data_class == DataClass.MAIL_CONTENT
        assert one._key.get_cipher(DataClass.MAIL_CONTENT) is not one._key.get_cipher(
            DataClass.MAIL_METADATA
        )

    def test_blinds_the_same_value_alike_and_no_other(self, holder):
        one, again = (get_sealer(holder=holder, epoch=1) for _ in range(2))
        values = [("id", "a"), ("id", "b"), ("thread", "a"), ("i", "da"), ("ida", "")]

        assert [one.compute_blind(*value) for value in values] == [
            again.compute_blind(*v) for v in values
        ]
        assert len({one.compute_blind(*value) for value in values}) == len(values)
        assert len(one.compute_blind("id", "a")) == 32

    @pytest.mark.invariant(6)
    def test_blinds_differently_for_each_holder(self, holder):
        other = uuid7()
        data_keys.create_data_key(holder=other, line=KeyLine.CONTENT, at=NOW)

        assert get_sealer(holder=holder, epoch=1).compute_blind("id", "a") != get_sealer(
            holder=other, epoch=1
        ).compute_blind("id", "a")


@EITHER
class TestDirectory:
    def test_blinds_across_holders_and_keeps_the_kinds_apart(self, ring):
        assert blind_index.compute_blind("sub", "1") == blind_index.compute_blind("sub", "1")
        assert blind_index.compute_blind("sub", "1") != blind_index.compute_blind("address", "1")
        assert blind_index.compute_blind("sub", "1") != blind_index.derive_secret("sub", "1")
        assert blind_index.compute_blind("a", "bc") != blind_index.compute_blind("ab", "c")


@EITHER
@pytest.mark.django_db
class TestDataKeys:
    def test_come_back_when_the_disconnect_rolls_back(self, seal, permit, holder):
        sealed = seal()
        with transaction.atomic():
            data_keys.destroy_returning_id(holder=holder)
            transaction.set_rollback(True)

        assert opening.open_sealed_values([sealed], permit(), at=NOW) == [b"canary"]

    @pytest.mark.invariant(4)
    @pytest.mark.control("6.7.1")
    def test_are_stored_wrapped(self, holder):
        row = DataKey.objects.get(holder=holder)
        root = get_sealer(holder=holder, epoch=1)._key._root

        assert root not in bytes(row.wrapped)
        assert len(bytes(row.wrapped)) == 12 + 32 + 16

    @pytest.mark.control("4.1.4")
    def test_do_not_unwrap_for_another_holder(self, holder):
        other = uuid7()
        data_keys.create_data_key(holder=other, line=KeyLine.CONTENT, at=NOW)
        mine = DataKey.objects.get(holder=holder)
        DataKey.objects.filter(holder=other).update(wrapped=mine.wrapped, key_id=mine.key_id)
        data_keys.drop_cached_keys()

        with pytest.raises(KeyDestroyed):
            get_sealer(holder=other, epoch=1)


@pytest.mark.scenario("A1")
def test_no_key_is_made_without_a_keyring(db, settings, tmp_path):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "nowhere")

    with pytest.raises(NoKeyring):
        data_keys.create_data_key(holder=uuid7(), line=KeyLine.CONTENT, at=NOW)


@pytest.mark.invariant(2)
def test_no_module_of_the_vault_keeps_a_key_in_a_global():
    # The cache is the one place; it is keyed by ciphertext and named here.
    import limited_use.vault as package

    for name, module in sys.modules.items():
        if not name.startswith(package.__name__ + "."):
            continue
        held = {key for key, value in vars(module).items() if isinstance(value, UnwrappedKey)}
        assert held == set()
