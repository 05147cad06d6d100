"""Agreements: whose, about what, until when; and that what was, stays to be seen."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.memberships import NotAMember
from accounts.models import Membership, Organisation, User
from accounts.roles import Role
from limited_use.access_request import Fence
from limited_use.agreements import consents
from limited_use.agreements.consents import ConsentNeedsEnd, DeclarationOutdated
from limited_use.models import Consent, Leaf
from limited_use.policy.feature_registry import FEATURES, UndeclaredUse
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from limited_use.vault import opening
from limited_use.vault.opening import Unopenable
from tests.limited_use.conftest import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ITEM = uuid7()


@pytest.fixture
def acme(db, ring):
    return Organisation.objects.create(name="Acme", platform_id="o-1", founded_at=NOW)


@pytest.fixture
def member(acme):
    """Return a function that makes a member of Acme."""

    def member(name, role=Role.MEMBER):
        user = User.objects.create(
            email=f"{name}@example.com",
            platform_id=name,
            role=role,
            registered_at=NOW,
            last_seen_at=NOW,
        )
        Membership.objects.create(user=user, organisation=acme, joined_at=NOW)
        return user

    return member


@pytest.fixture
def alice(member):
    return member("alice")


@pytest.fixture
def agree(acme):
    """Return a function by which a person agrees, to the inbox if nothing else is said."""

    def agree(person, *, feature="inbox", at=NOW, **parts):
        declared = FEATURES.get(feature)
        values = {"version": declared.version if declared else 1, **parts}
        return consents.give(
            person_id=person.id, organisation_id=acme.id, feature=feature, at=at, **values
        )

    return agree


@pytest.fixture
def withdraw(acme):
    def withdraw(person, *, feature="inbox", at=NOW, **parts):
        return consents.withdraw(
            person_id=person.id, organisation_id=acme.id, feature=feature, at=at, **parts
        )

    return withdraw


@pytest.fixture
def of_item(acme):
    def of_item(owner, *, item=ITEM, at=NOW, feature="support"):
        return consents.find_item_consent(
            owner_id=owner.id, organisation_id=acme.id, feature=feature, item=item, at=at
        )

    return of_item


def events():
    """Return what the ledger says about consents, oldest first."""
    said = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [entry["event"] for entry in said if entry["event"].startswith("consent.")]


class TestGiving:
    @pytest.mark.invariant(3)
    def test_is_remembered_with_its_version_and_recorded(self, alice, agree):
        consent = agree(alice)

        version = FEATURES["inbox"].version
        assert (consent.owner_id, consent.version, consent.epoch) == (alice.id, version, 1)
        assert consent.is_live(NOW)
        assert events() == ["consent.given"]

    def test_twice_is_once(self, alice, agree):
        assert agree(alice).id == agree(alice, at=NOW + HOUR).id
        assert events() == ["consent.given"]

    @pytest.mark.clause("LU-2.1")
    def test_is_of_parts_that_stand_beside_each_other(self, alice, agree):
        whole = agree(alice)
        part = agree(alice, purpose=Purpose.INBOX_DISPLAY, recipient=Recipient.OWNER)

        assert whole.id != part.id
        assert Consent.objects.filter(withdrawn_at=None).count() == 2

    def test_to_another_end_replaces_the_older(self, alice, agree):
        first = agree(alice, expires_at=NOW + HOUR)
        second = agree(alice, expires_at=NOW + 2 * HOUR)

        first.refresh_from_db()
        assert (first.epoch, first.withdrawn_at) == (2, NOW)
        assert second.is_live(NOW + HOUR)
        assert events() == ["consent.given", "consent.replaced", "consent.given"]

    def test_is_refused_for_words_that_are_not_the_present_ones(self, alice, agree):
        with pytest.raises(DeclarationOutdated):
            agree(alice, version=FEATURES["inbox"].version + 1)
        with pytest.raises(DeclarationOutdated):
            agree(alice, feature="nothing-registered")

    @pytest.mark.parametrize(
        "parts", [{"purpose": Purpose.MARKETING}, {"recipient": "whoever"}], ids=["why", "to whom"]
    )
    @pytest.mark.clause("LU-1")
    def test_is_refused_for_what_the_feature_does_not_declare(self, alice, agree, parts):
        with pytest.raises(UndeclaredUse):
            agree(alice, **parts)

    def test_needs_a_membership_that_stands(self, alice, agree, acme):
        Membership.objects.update(left_at=NOW)

        with pytest.raises(NotAMember):
            agree(alice)
        assert not Consent.objects.exists()

    def test_needs_an_end_that_lies_ahead_where_it_is_about_an_item(self, alice, agree):
        for end in (None, NOW, NOW - HOUR):
            with pytest.raises(ConsentNeedsEnd):
                agree(alice, feature="support", item=ITEM, expires_at=end)

    def test_cannot_be_written_twice_or_without_an_end_by_anybody(self, alice, agree, acme):
        given = agree(alice)
        same = {
            "owner_id": alice.id,
            "organisation_id": acme.id,
            "feature": given.feature,
            "version": 1,
            "given_at": NOW,
        }
        for values in (same, {**same, "item": ITEM}, {**same, "expires_at": NOW, "item": ITEM}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Consent.objects.create(**values)


@pytest.mark.invariant(5)
class TestWithdrawing:
    def test_raises_the_epoch_and_keeps_the_row(self, alice, agree, withdraw):
        given = agree(alice)

        assert withdraw(alice, at=NOW + HOUR)
        given.refresh_from_db()
        assert (given.epoch, given.withdrawn_at) == (2, NOW + HOUR)
        assert not withdraw(alice, at=NOW + HOUR)
        assert events() == ["consent.given", "consent.withdrawn"]

    @pytest.mark.clause("AN-2")
    def test_stops_a_permit_in_hand(self, alice, agree, withdraw, seal, permit):
        held = permit(fences=(consents.make_fence(agree(alice)),))
        assert opening.open_sealed_values([seal()], held, at=NOW) == [b"canary"]

        withdraw(alice)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([seal()], held, at=NOW)

    def test_comes_by_itself_at_its_end(self, alice, agree, seal, permit):
        given = agree(alice, expires_at=NOW + timedelta(seconds=30))
        held = permit(fences=(consents.make_fence(given),))
        sealed = seal()
        before, end = NOW + timedelta(seconds=29), NOW + timedelta(seconds=30)

        assert opening.open_sealed_values([sealed], held, at=before) == [b"canary"]
        with pytest.raises(Unopenable):
            opening.open_sealed_values([sealed], held, at=end)

    def test_of_what_had_ended_already_says_when_it_ended(self, alice, agree, withdraw):
        given = agree(alice, expires_at=NOW + HOUR)

        withdraw(alice, at=NOW + 2 * HOUR)

        given.refresh_from_db()
        assert given.withdrawn_at == NOW + HOUR
        assert events() == ["consent.given", "consent.expired"]

    def test_of_a_part_ends_the_wider_one_that_covers_it(self, alice, agree, withdraw):
        whole, other = agree(alice), agree(alice, feature="export")

        withdraw(alice, purpose=Purpose.INBOX_DISPLAY)

        whole.refresh_from_db()
        other.refresh_from_db()
        assert not whole.is_live(NOW)
        assert other.is_live(NOW)

    def test_of_one_item_leaves_the_others(self, alice, agree, withdraw, of_item):
        another = uuid7()
        for item in (ITEM, another):
            agree(alice, feature="support", item=item, expires_at=NOW + HOUR)

        withdraw(alice, feature="support", item=ITEM)

        assert of_item(alice) is None
        assert of_item(alice, item=another) is not None

    def test_of_the_feature_ends_all_of_its_parts(self, alice, agree, withdraw, of_item):
        agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)

        withdraw(alice, feature="support")

        assert of_item(alice) is None

    def test_is_told_apart_from_what_ended_by_itself(self, alice, agree, acme):
        agree(alice)

        consents.end_feature_consents(
            owner_id=alice.id, organisation_id=acme.id, feature="inbox", at=NOW
        )

        assert events() == ["consent.given", "consent.lapsed"]


@pytest.mark.clause("LU-3.1")
@pytest.mark.clause("WLU-3.1")
class TestAnotherPerson:
    @pytest.mark.parametrize("role", list(Role))
    def test_gives_nothing_for_the_owner_whatever_their_role(
        self, alice, member, agree, of_item, role
    ):
        other = member("other", role)

        agree(other, feature="support", item=ITEM, expires_at=NOW + HOUR)

        assert of_item(alice) is None
        assert not Consent.objects.filter(owner_id=alice.id).exists()

    @pytest.mark.parametrize("role", list(Role))
    def test_withdraws_nothing_of_the_owners(  # noqa: PLR0917
        self, alice, member, agree, withdraw, of_item, role
    ):
        other = member("other", role)
        agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)

        assert not withdraw(other, feature="support", item=ITEM)
        assert of_item(alice) is not None

    def test_cannot_be_named_beside_who_acts(self):
        with pytest.raises(TypeError):
            consents.give(
                person_id=uuid7(),
                owner_id=uuid7(),
                organisation_id=uuid7(),
                feature="inbox",
                version=1,
                at=NOW,
            )


@pytest.mark.clause("LU-3.1")
class TestAnItem:
    def test_is_agreed_to_until_its_end_and_no_longer(self, alice, agree, of_item):
        agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)

        assert of_item(alice, at=NOW + HOUR - timedelta(seconds=1)) is not None
        assert of_item(alice, at=NOW + HOUR) is None

    def test_stands_for_no_other_item_and_no_other_feature(self, alice, agree, of_item):
        agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)

        assert of_item(alice, item=uuid7()) is None
        assert of_item(alice, feature="export") is None
        assert of_item(alice, feature="nothing-registered") is None

    def test_is_not_covered_by_an_agreement_to_the_feature(self, alice, agree, of_item):
        agree(alice, feature="support")

        assert of_item(alice) is None

    def test_needs_agreement_to_the_words_that_stand_now(self, alice, agree, of_item):
        agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)
        Consent.objects.update(version=FEATURES["support"].version + 1)

        assert of_item(alice) is None

    def test_gives_the_fence_that_its_permit_carries(self, alice, agree, of_item):
        given = agree(alice, feature="support", item=ITEM, expires_at=NOW + HOUR)

        assert consents.make_fence(of_item(alice)) == Fence("consent", given.id, 1)


PARTS = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["", "inbox.display"]),
        "recipient": st.sampled_from(["", "owner"]),
        "item": st.sampled_from([None, ITEM]),
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "withdraw"]),
        st.sampled_from([0, 1]),
        PARTS,
        # How long since the step before, and how long it is to last.
        st.integers(0, 3),
        st.sampled_from([None, 1, 4]),
    ),
    max_size=12,
)


@pytest.mark.invariant(5)
class TestAnySequence:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    @given(steps=STEPS)
    def test_keeps_one_live_row_per_part_a_growing_history_and_rising_epochs(
        self, acme, member, steps
    ):
        with transaction.atomic():
            _follow(acme, [member("one"), member("two")], steps)
            # The next example begins with nothing.
            transaction.set_rollback(True)


def _follow(acme, people, steps):
    at = NOW
    seen = [_rows()]
    for verb, who, parts, waited, lasting in steps:
        at += waited * HOUR
        values = {**parts, "person_id": people[who].id, "organisation_id": acme.id, "at": at}
        if verb == "withdraw":
            consents.withdraw(feature="inbox", **values)
            assert not _covering(people[who], parts)
        else:
            end = at + lasting * HOUR if lasting else None
            if parts["item"] and end is None:
                end = at + HOUR
            version = FEATURES["inbox"].version
            given = consents.give(feature="inbox", version=version, expires_at=end, **values)
            assert given.is_live(at)
        seen.append(_rows())
    for before, after in pairwise(seen):
        assert before.keys() <= after.keys()
        for row, (epoch, withdrawn_at, fixed) in before.items():
            assert after[row][0] >= epoch
            assert after[row][2] == fixed
            # What is withdrawn stays so, at the time at which it was.
            assert withdrawn_at is None or after[row][1] == withdrawn_at
    for rows in seen:
        live = [fixed[:-1] for _, withdrawn_at, fixed in rows.values() if withdrawn_at is None]
        assert len(live) == len(set(live))
        assert all((epoch == 1) == (ended is None) for epoch, ended, _ in rows.values())


def _rows():
    return {
        row.id: (
            row.epoch,
            row.withdrawn_at,
            (row.owner_id, row.feature, row.purpose, row.recipient, row.item, row.given_at),
        )
        for row in Consent.objects.all()
    }


def _covering(person, parts):
    """Return the live rows that still cover what was withdrawn."""
    live = Consent.objects.filter(owner_id=person.id, withdrawn_at=None)
    if parts["purpose"]:
        live = live.filter(purpose__in=["", parts["purpose"]])
    if parts["recipient"]:
        live = live.filter(recipient__in=["", parts["recipient"]])
    if parts["item"]:
        live = live.filter(item=parts["item"]) | live.filter(item=None)
    return live.exists()
