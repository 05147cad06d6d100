"""The sinks of what an owner said yes to: an item for support, a copy, a share, a notification."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Membership, Organisation, User
from integrations.models import MessageBody
from limited_use.access_request import Fence, FenceKind
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent, Leaf, Share
from limited_use.models.shares import ShareLevel
from limited_use.notifications import message_kinds
from limited_use.notifications.message_kinds import KINDS
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks import calendar_sink, export_sink, notification_sink, support_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.traceback_guard import SinkFailed, WrongSink
from limited_use.vault import data_keys, envelope, opening
from limited_use.vault.envelope import Unopenable
from limited_use.vault.sealed import CiphertextBinding, SealedValue
from tests.limited_use.conftest import ALICE, MALLORY, NOW, SYSTEM
from tests.limited_use.test_sinks import reachable

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(2)]

SAM = Actor(kind=ActorKind.PERSON, id=UUID(int=0x5A3), user_id=UUID(int=0x5A3))
BOB = Actor(kind=ActorKind.PERSON, id=UUID(int=0xB0B), user_id=UUID(int=0xB0B))
CLIENT = Actor(kind=ActorKind.CLIENT, id=UUID(int=0xC1), user_id=ALICE.user_id)
HOME = UUID(int=0x0A9)
HOUR = timedelta(hours=1)
AGREED = frozenset({Fact.ITEM_CONSENTED, Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE})
SHARED = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)
SHOWN = frozenset(
    {
        Fact.SHARE_LIVE,
        Fact.INTEGRATION_LIVE,
        Fact.GRANT_LIVE,
        Fact.CACHE_CURRENT,
        Fact.CONSENT_CURRENT,
    }
)
ASKED = frozenset({Fact.ACTOR_OWNS, Fact.EXPORT_ASKED, Fact.INTEGRATION_LIVE})


def shape(_, opened):
    return {"words": json.loads(opened["summary"])["subject"]}


def broken(_, opened):
    raise ValueError(opened["summary"])


def consent(item=None, *, until=NOW + HOUR):
    return Consent.objects.create(
        owner_id=ALICE.user_id,
        organisation_id=HOME,
        feature="support",
        version=1,
        item=item,
        given_at=NOW - HOUR,
        expires_at=until,
    )


def fence(agreement):
    return Fence(FenceKind.CONSENT, agreement.id, agreement.epoch)


@pytest.fixture(autouse=True)
def _templates(settings, tmp_path):
    text = "{% load reveal %}{% for x in items %}{% reveal x.words %};{% endfor %}"
    (tmp_path / "notices").mkdir()
    for name in ("one.html", "notices/chosen.txt"):
        (tmp_path / name).write_text(text)
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "DIRS": [tmp_path], "APP_DIRS": True}]


@pytest.fixture
def item():
    return uuid7()


@pytest.fixture
def row(seal, item):
    return SealedRow(item, {"summary": seal(b'{"subject": "words"}', row=item)})


class TestSupport:
    @pytest.fixture
    def agreement(self, item):
        return consent(item)

    @pytest.fixture
    def permit(self, ask, holder, item, agreement):
        """Return a function that gets sam a permit to read the item, to be changed by keyword."""

        def permit(at=NOW, **changes):
            asked = {
                "use": Use(DataClass.MAIL_METADATA, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT),
                "actor": SAM,
                "facts": AGREED,
                "feature": "support",
                "item": item,
                "fences": (fence(agreement),),
            }
            return guard.permit(ask(**{**asked, **changes}), at=at)

        return permit

    def read(self, row, permit, *, item_id=None, actor=SAM, at=NOW, made=shape):
        return support_sink.render_item(
            "one.html",
            row,
            item_id=item_id or permit.item,
            permits={(permit.holder, permit.use.data_class): permit},
            actor=actor,
            shape=made,
            at=at,
        )

    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_shows_the_item_that_its_owner_opened(self, row, permit):
        assert self.read(row, permit()) == b"words;"

    @pytest.mark.invariant(3)
    def test_leaves_an_entry_that_names_the_item_by_a_pseudonym(self, permit, item):
        held = permit()

        said = json.loads(bytes(Leaf.objects.get(id=held.entry_id).payload))
        assert said["purpose"] == "support.item"
        assert said["item"] != item.hex
        assert item.hex not in json.dumps(said)

    @pytest.mark.clause("LU-3")
    def test_shows_no_other_item_of_the_same_mailbox(self, seal, permit):
        other = uuid7()
        row = SealedRow(other, {"summary": seal(b'{"subject": "other"}', row=other)})

        with pytest.raises(WrongSink):
            self.read(row, permit())
        with pytest.raises(WrongSink):
            self.read(row, permit(), item_id=other)

    @pytest.mark.clause("LU-3")
    def test_has_a_permit_that_opens_no_other_item_in_any_sink(self, seal, permit):
        held, other = permit(), uuid7()
        keys_of = opening.begin_opening_batch([held], at=NOW)

        with pytest.raises(Unopenable):
            keys_of.open_value(seal(row=other), held)

    @pytest.mark.invariant(1)
    @pytest.mark.clause("AN-18")
    def test_is_nobody_elses(self, row, permit):
        with pytest.raises(WrongSink):
            self.read(row, permit(), actor=MALLORY)

    @pytest.mark.invariant(1)
    @pytest.mark.clause("AN-18")
    def test_is_not_the_owner_themself(self, permit):
        with pytest.raises(AccessRefused) as caught:
            permit(actor=ALICE)

        assert Fact.ITEM_CONSENTED in caught.value.decision.missing

    @pytest.mark.invariant(1)
    @pytest.mark.parametrize("actor", [SYSTEM, CLIENT])
    def test_is_a_person(self, permit, actor):
        with pytest.raises(AccessRefused):
            permit(actor=actor)

    @pytest.mark.invariant(1)
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.parametrize("changes", [{"item": None}, {"facts": AGREED - {Fact.ITEM_CONSENTED}}])
    def test_is_refused_without_an_agreement_about_an_item(self, permit, changes):
        with pytest.raises(AccessRefused):
            permit(**changes)

    def test_takes_no_permit_without_the_agreement_as_a_fence(self, row, permit):
        with pytest.raises(WrongSink):
            self.read(row, permit(fences=()))

    def test_takes_no_permit_for_anything_else(self, row, permit):
        shown = permit()
        to_owner = replace(shown, use=shown.use._replace(recipient=Recipient.OWNER))
        for_inbox = replace(shown, use=shown.use._replace(purpose=Purpose.INBOX_DISPLAY))

        for wrong in (to_owner, for_inbox):
            with pytest.raises(WrongSink):
                self.read(row, wrong, item_id=shown.item)

    @pytest.mark.invariant(5)
    @pytest.mark.clause("LU-3.1")
    def test_shows_nothing_once_the_agreement_is_withdrawn(self, row, permit, agreement):
        held = permit()
        Consent.objects.update(epoch=2, withdrawn_at=NOW)

        with pytest.raises(Unopenable):
            self.read(row, held)

    @pytest.mark.invariant(5)
    @pytest.mark.clause("LU-3.1")
    def test_shows_nothing_once_its_end_has_come(self, row, permit):
        Consent.objects.update(expires_at=NOW + timedelta(seconds=30))
        held = permit()

        assert self.read(row, held, at=NOW + timedelta(seconds=29))
        with pytest.raises(Unopenable):
            self.read(row, held, at=NOW + timedelta(seconds=30))

    @pytest.mark.invariant(5)
    def test_shows_nothing_once_the_key_is_destroyed(self, row, permit, holder):
        held = permit()
        data_keys.destroy_returning_id(holder=holder)

        with pytest.raises(Unopenable):
            self.read(row, held)

    @pytest.mark.invariant(4)
    def test_lets_nothing_out_with_an_exception(self, seal, permit, item):
        mark = f"CANARY-{item.hex}"
        row = SealedRow(item, {"summary": seal(mark.encode(), row=item)})

        with pytest.raises(SinkFailed) as caught:
            self.read(row, permit(), made=broken)

        assert mark not in reachable(caught.value, own=__file__)


class TestExport:
    @pytest.fixture
    def membership(self, transactional_db):
        user = User.objects.create(
            id=ALICE.user_id, platform_id="a", email="a@x.example", name="A",
            registered_at=NOW, last_seen_at=NOW,
        )  # fmt: skip
        home = Organisation.objects.create(platform_id="o", name="O", founded_at=NOW)
        return Membership.objects.create(user=user, organisation=home, joined_at=NOW)

    @pytest.fixture
    def permit(self, ask, membership):
        def permit(at=NOW, **changes):
            asked = {
                "use": Use(DataClass.MAIL_METADATA, Purpose.USER_EXPORT, Recipient.OWNER),
                "facts": ASKED,
                "feature": "export",
                "fences": (Fence(FenceKind.MEMBERSHIP, membership.id, membership.epoch),),
            }
            return guard.permit(ask(**{**asked, **changes}), at=at)

        return permit

    def part(self, rows, held, *, actor=ALICE, at=NOW, made=lambda _, o: o["summary"]):
        return export_sink.build_part(
            rows,
            permits={(held.holder, held.use.data_class): held},
            actor=actor,
            shape=made,
            at=at,
        )

    @pytest.mark.clause("AN-23")
    def test_gives_the_owner_their_rows_one_after_the_other(self, seal, permit):
        rows = [SealedRow(n, {"summary": seal(b"%d," % n)}) for n in range(3)]

        assert self.part(rows, permit()) == b"0,1,2,"

    def test_gives_nothing_where_there_is_nothing(self, permit):
        assert self.part([], permit()) == b""

    @pytest.mark.claim("feature.export")
    @pytest.mark.invariant(1)
    @pytest.mark.parametrize("missing", [Fact.EXPORT_ASKED, Fact.ACTOR_OWNS])
    def test_is_refused_to_who_did_not_ask_or_does_not_own(self, permit, missing):
        with pytest.raises(AccessRefused):
            permit(facts=ASKED - {missing})

    @pytest.mark.invariant(1)
    @pytest.mark.parametrize("actor", [SYSTEM, CLIENT])
    def test_is_refused_to_who_is_no_person(self, permit, actor):
        with pytest.raises(AccessRefused):
            permit(actor=actor)

    @pytest.mark.invariant(1)
    def test_is_nobody_elses(self, row, permit):
        with pytest.raises(WrongSink):
            self.part([row], permit(), actor=MALLORY)

    def test_takes_no_permit_for_anything_else(self, row, permit):
        held = permit()

        with pytest.raises(WrongSink):
            self.part([row], replace(held, use=held.use._replace(purpose=Purpose.INBOX_DISPLAY)))
        with pytest.raises(WrongSink):
            self.part([row], permit(fences=()))

    @pytest.mark.invariant(5)
    def test_ends_with_the_key_and_with_the_permit(self, row, permit, holder):
        held = permit()

        with pytest.raises(Unopenable):
            self.part([row], held, at=NOW + guard.PERMIT_LIFETIME)
        data_keys.destroy_returning_id(holder=holder)
        with pytest.raises(Unopenable):
            self.part([row], held)

    @pytest.mark.invariant(5)
    def test_ends_when_the_owner_leaves(self, row, permit):
        held = permit()
        Membership.objects.update(epoch=2, left_at=NOW)

        with pytest.raises(Unopenable):
            self.part([row], held)

    @pytest.mark.invariant(4)
    def test_lets_nothing_out_with_an_exception(self, seal, permit, item):
        mark = f"CANARY-{item.hex}"

        with pytest.raises(SinkFailed) as caught:
            self.part([SealedRow(item, {"summary": seal(mark.encode())})], permit(), made=broken)

        assert mark not in reachable(caught.value, own=__file__)


def event(holder, data=b'{"subject": "at nine"}', data_class=DataClass.CALENDAR_EVENT):
    """Seal a row as a table of events will: there is none yet."""
    binding = CiphertextBinding(holder, data_class, "calendar_event", uuid7(), "summary")
    sealed = envelope.seal_record(data, binding, data_keys.unwrap(data_keys.read_row(holder)))
    return SealedRow(binding.row, {"summary": SealedValue(sealed, binding)})


class TestShare:
    SHARE = Fence(FenceKind.SHARE, UUID(int=0x54A), 1)

    @pytest.fixture
    def permit(self, ask):
        """Return a permit for bob, under a share."""
        return guard.permit(ask(use=SHARED, actor=BOB, facts=SHOWN, fences=(self.SHARE,)), at=NOW)

    @pytest.fixture
    def _standing(self):
        """Let alice share with bob."""
        Share.objects.create(
            id=self.SHARE.id,
            owner_id=ALICE.user_id,
            organisation_id=HOME,
            viewer_id=BOB.user_id,
            owner_membership=uuid7(),
            viewer_membership=uuid7(),
            item=uuid7(),
            level=ShareLevel.DETAILS,
            given_at=NOW,
        )

    def page(self, rows, held, viewer=BOB, made=shape):
        return calendar_sink.calendar_json(
            rows,
            permits={(held.holder, held.use.data_class): held},
            viewer=viewer,
            make=lambda opened: {"items": [made(row, values) for row, values in opened]},
            at=NOW,
        )

    @pytest.mark.invariant(1)
    @pytest.mark.clause("AN-8")
    @pytest.mark.parametrize("missing", sorted(SHOWN))
    def test_is_refused_by_the_guard_without_any_of_what_it_takes(self, ask, missing):
        with pytest.raises(AccessRefused):
            guard.permit(ask(use=SHARED, actor=BOB, facts=SHOWN - {missing}), at=NOW)

    @pytest.mark.invariant(5)
    @pytest.mark.clause("AN-8")
    def test_opens_nothing_while_no_row_says_that_the_share_stands(self, holder, permit):
        with pytest.raises(Unopenable):
            self.page([event(holder)], permit)

    @pytest.mark.usefixtures("_standing")
    @pytest.mark.clause("AN-8")
    @pytest.mark.clause("LU-2.1")
    def test_shows_what_is_shared_to_whom_the_share_names(self, holder, permit):
        assert json.loads(self.page([event(holder)], permit)) == {"items": [{"words": "at nine"}]}

    @pytest.mark.usefixtures("_standing")
    @pytest.mark.invariant(5)
    def test_shows_nothing_once_the_share_has_ended(self, holder, permit):
        Share.objects.update(epoch=2, withdrawn_at=NOW)

        with pytest.raises(Unopenable):
            self.page([event(holder)], permit)

    @pytest.mark.invariant(1)
    @pytest.mark.usefixtures("_standing")
    @pytest.mark.parametrize("viewer", [MALLORY, ALICE])
    def test_is_nobody_elses(self, holder, permit, viewer):
        with pytest.raises(WrongSink):
            self.page([event(holder)], permit, viewer=viewer)

    @pytest.mark.usefixtures("_standing")
    def test_takes_no_permit_without_exactly_one_share(self, holder, permit):
        other = Fence(FenceKind.SHARE, UUID(int=2), 1)
        for fences in ((), (Fence(FenceKind.CONSENT, UUID(int=3), 1),), (self.SHARE, other)):
            with pytest.raises(WrongSink):
                self.page([event(holder)], replace(permit, fences=fences))

    @pytest.mark.usefixtures("_standing")
    @pytest.mark.clause("AN-12")
    def test_shows_no_mail_whatever_the_permit_says(self, row, permit):
        mail = replace(permit, use=permit.use._replace(data_class=DataClass.MAIL_METADATA))

        with pytest.raises(WrongSink):
            self.page([row], mail)

    @pytest.mark.usefixtures("_standing")
    @pytest.mark.invariant(4)
    def test_lets_nothing_out_with_an_exception(self, holder, permit, item):
        mark = f"CANARY-{item.hex}"

        with pytest.raises(SinkFailed) as caught:
            self.page([event(holder, mark.encode())], permit, made=broken)

        assert mark not in reachable(caught.value, own=__file__)


class TestNotification:
    CHOSEN = message_kinds.PlatformMessageKind(
        key="chosen",
        why="A kind that somebody chose, as one may be some day.",
        purpose=Purpose.NOTIFY_OWNER,
        template="chosen",
        value_names=frozenset(),
        route_name="inbox",
        data_classes=frozenset({DataClass.PROFILE}),
    )

    @pytest.fixture
    def row(self, holder):
        return event(holder, b'{"subject": "alice@mail.example"}', DataClass.PROFILE)

    @pytest.fixture
    def permit(self, ask):
        """Return a permit as the guard gives it for a kind that the owner chose."""
        held = guard.permit(ask(), at=NOW)
        use = Use(DataClass.PROFILE, Purpose.NOTIFY_OWNER, Recipient.OWN_PROVIDER)
        return replace(held, use=use, actor=SYSTEM, fences=(fence(consent(uuid7())),))

    def text(self, row, held, kind="chosen", actor=SYSTEM, made=shape):
        return notification_sink.render_notification(
            kind,
            [row],
            permits={(held.holder, held.use.data_class): held},
            actor=actor,
            shape=made,
            at=NOW,
        )

    @pytest.fixture
    def _planted(self, monkeypatch):
        monkeypatch.setitem(KINDS, "chosen", self.CHOSEN)

    @pytest.mark.clause("AN-13")
    @pytest.mark.parametrize("kind", [*sorted(KINDS.keys() - {"mailbox_notice"}), "unknown"])
    def test_lets_nothing_out_for_any_kind_but_that_of_a_mailbox(self, row, permit, kind):
        with pytest.raises(WrongSink):
            self.text(row, permit, kind)

    @pytest.mark.clause("AN-13")
    @pytest.mark.invariant(1)
    def test_is_refused_by_the_guard_unless_the_owner_chose_it(self, ask):
        facts = frozenset(Fact) - {Fact.NOTIFICATION_CHOSEN}
        for recipient in (Recipient.OWNER, Recipient.OWN_PROVIDER):
            use = Use(DataClass.PROFILE, Purpose.NOTIFY_OWNER, recipient)
            with pytest.raises(AccessRefused):
                guard.permit(ask(use=use, facts=facts), at=NOW)

    @pytest.mark.usefixtures("_planted")
    @pytest.mark.clause("AN-13")
    def test_says_what_the_owner_chose_to_be_told(self, row, permit):
        assert self.text(row, permit) == b"alice@mail.example;"

    @pytest.mark.usefixtures("_planted")
    @pytest.mark.clause("AN-13")
    @pytest.mark.invariant(5)
    def test_says_nothing_once_the_choice_is_taken_back(self, row, permit):
        Consent.objects.update(epoch=2, withdrawn_at=NOW)

        with pytest.raises(Unopenable):
            self.text(row, permit)

    @pytest.mark.usefixtures("_planted")
    def test_takes_no_permit_without_a_choice_or_for_anything_else(self, row, permit):
        for wrong in (
            replace(permit, fences=()),
            replace(permit, use=permit.use._replace(recipient=Recipient.PLATFORM_FEATURE)),
            replace(permit, use=permit.use._replace(purpose=Purpose.MARKETING)),
            replace(permit, use=permit.use._replace(data_class=DataClass.MAIL_CONTENT)),
        ):
            with pytest.raises(WrongSink):
                self.text(row, wrong)
        with pytest.raises(WrongSink):
            self.text(row, permit, actor=MALLORY)

    @pytest.mark.usefixtures("_planted")
    @pytest.mark.invariant(4)
    def test_lets_nothing_out_with_an_exception(self, holder, permit, item):
        mark = f"CANARY-{item.hex}"
        row = event(holder, mark.encode(), DataClass.PROFILE)

        with pytest.raises(SinkFailed) as caught:
            self.text(row, permit, made=broken)

        assert mark not in reachable(caught.value, own=__file__)


def test_a_message_and_its_body_are_one_item(seal, item):
    assert seal(row=item, model=MessageBody, column="content").binding.row == item
