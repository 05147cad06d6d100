"""The sink of files that a worker passes on to the owner's Drive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from uuid import UUID

import pytest

from accounts.ids import uuid7
from limited_use.access_request import Fence, FenceKind
from limited_use.guard import guard
from limited_use.models import Consent
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks import drive_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.traceback_guard import SinkFailed, WrongSink
from limited_use.vault import data_keys
from limited_use.vault.envelope import Unopenable
from limited_use.vault.sealed import SealedValue
from tests.limited_use.conftest import ALICE, NOW, SHOW_METADATA, SYSTEM
from tests.limited_use.test_sinks import reachable

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(2), pytest.mark.clause("AN-7", "W-LU2")]

HOME = UUID(int=0x0A9)
MIB = 1024 * 1024
ORDERED = frozenset(
    {Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT, Fact.UPLOAD_ORDERED}
)
SAVE = Use(DataClass.MAIL_METADATA, Purpose.DRIVE_UPLOAD, Recipient.OWN_PROVIDER)
CROSS = Use(DataClass.MAIL_METADATA, Purpose.DRIVE_UPLOAD, Recipient.OTHER_OWN_ACCOUNT)
REMOTE = Use(DataClass.MAIL_METADATA, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)


@dataclass(frozen=True)
class Outlet:
    account: UUID


DRIVE = Outlet(uuid7())


def make_permits(permit):
    return {(permit.holder, permit.use.data_class): permit}


@pytest.fixture
def consent():
    return Consent.objects.create(
        owner_id=ALICE.user_id,
        organisation_id=HOME,
        feature="drive",
        version=1,
        given_at=NOW - timedelta(hours=1),
    )


@pytest.fixture
def order(ask, consent):
    """Return a function that gets a worker permits to save in the Drive, changed by keyword."""

    def order(**changes):
        asked = {
            "use": SAVE,
            "actor": SYSTEM,
            "facts": ORDERED,
            "feature": "drive",
            "account": DRIVE.account,
            "fences": (Fence(FenceKind.CONSENT, consent.id, consent.epoch),),
        }
        return make_permits(guard.permit(ask(**{**asked, **changes}), at=NOW))

    return order


@pytest.fixture
def row(seal):
    row_id = uuid7()
    return SealedRow(row_id, {"summary": seal(b"words", row=row_id)})


@pytest.fixture(params=["describe", "pass", "build"])
def save(request, row):
    """Return each function of the sink, for permits and an outlet."""

    def describe(permits, to=DRIVE, at=NOW):
        return drive_sink.describe_file(
            row, permits=permits, to=to, describe=lambda opened: opened["summary"], at=at
        )

    def pass_through(permits, to=DRIVE, at=NOW):
        file = drive_sink.pass_through_file(iter([b"words"]), permits=permits, to=to, at=at)
        return b"".join(file)

    def build(permits, to=DRIVE, at=NOW):
        return drive_sink.build_file_part(
            [row], permits=permits, to=to, shape=lambda _, opened: opened["summary"], at=at
        )

    return {"describe": describe, "pass": pass_through, "build": build}[request.param]


class TestEveryFunction:
    @pytest.mark.parametrize(
        "changes",
        [{}, {"use": CROSS, "facts": ORDERED | {Fact.CROSSING_ORDERED}}],
        ids=["same account", "other account"],
    )
    def test_serves_the_drive_that_the_permit_names(self, save, order, changes):
        assert save(order(**changes)) == b"words"

    @pytest.mark.invariant(1)
    def test_serves_no_other_account(self, save, order):
        with pytest.raises(WrongSink):
            save(order(), to=Outlet(uuid7()))
        with pytest.raises(WrongSink):
            save(order(account=None))

    def test_refuses_another_purpose_and_recipient(self, save, order, permit):
        with pytest.raises(WrongSink):
            save(order(use=REMOTE))
        with pytest.raises(WrongSink):
            save(make_permits(permit(use=SHOW_METADATA, account=DRIVE.account)))

    def test_refuses_another_actor(self, save, order):
        given = order()
        ((key, permit),) = given.items()

        with pytest.raises(WrongSink):
            save({key: replace(permit, actor=ALICE)})

    def test_refuses_a_permit_of_another_key(self, save, order):
        ((_, permit),) = order().items()

        with pytest.raises(WrongSink):
            save({(uuid7(), DataClass.MAIL_METADATA): permit})

    def test_refuses_without_a_permit(self, save):
        with pytest.raises(WrongSink):
            save({})

    def test_refuses_an_expired_permit(self, save, order):
        with pytest.raises(Unopenable):
            save(order(), at=NOW + timedelta(minutes=2))

    @pytest.mark.clause("AN-12")
    def test_refuses_after_a_withdrawal(self, save, order, consent):
        given = order()
        Consent.objects.filter(id=consent.id).update(withdrawn_at=NOW)

        with pytest.raises(Unopenable):
            save(given)

    def test_refuses_after_a_disconnect(self, save, order, holder):
        given = order()
        data_keys.destroy_data_key(holder=holder)

        with pytest.raises(Unopenable):
            save(given)


class TestPassedFile:
    def test_breaks_off_within_a_mebibyte_of_a_withdrawal(self, order, consent):
        file = drive_sink.pass_through_file(
            (bytes(MIB // 4) for _ in range(16)), permits=order(), to=DRIVE, at=NOW
        )
        next(file)
        Consent.objects.filter(id=consent.id).update(withdrawn_at=NOW)

        with pytest.raises(Unopenable):
            list(islice(file, 4))

    @pytest.mark.invariant(4)
    def test_lets_no_content_out_with_an_exception(self, order):
        marker = "CANARY-" + "91bd"

        def read():
            yield marker.encode()
            raise ValueError(marker)

        file = drive_sink.pass_through_file(read(), permits=order(), to=DRIVE, at=NOW)
        next(file)

        with pytest.raises(SinkFailed) as caught:
            next(file)

        assert marker not in reachable(caught.value, own=__file__)


class TestPart:
    def test_gives_no_columns_of_a_damaged_row(self, order, row):
        sealed = row.sealed["summary"]
        last = bytes([sealed.ciphertext[-1] ^ 1])
        broken = SealedValue(sealed.ciphertext[:-1] + last, sealed.binding)
        damaged = SealedRow(row.row, {"summary": broken})

        assert (
            drive_sink.build_file_part(
                [damaged, row],
                permits=order(),
                to=DRIVE,
                shape=lambda _, opened: opened.get("summary", b"damaged "),
                at=NOW,
                skip_damaged=True,
            )
            == b"damaged words"
        )
        with pytest.raises(Unopenable):
            drive_sink.build_file_part(
                [damaged], permits=order(), to=DRIVE, shape=lambda *_: b"", at=NOW
            )
