"""Finding a person: what finds them, what does not, what is recorded, and the bounds."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.models import Alarm
from accounts.roles import Role
from integrations.models import (
    Connection,
    ConnectionStatus,
    LookupMeans,
    SupportCode,
    SupportLookup,
    SupportReason,
)
from integrations.support import lookups, support_codes
from limited_use.guard.guard import AccessRefused
from limited_use.models import Leaf, Receipt
from tests.api.cast import verified
from tests.broker import record_messages
from tests.factories import make_connection, make_integration, make_organisation, make_user
from tests.integrations.support.desk import (
    actor_of,
    at_desk_of,
    find,
    find_user_ids,
    list_decisions,
    make_agent,
)

pytestmark = pytest.mark.django_db

ADDRESS = "alice.box@mail.example"
TICKET = "CASE-17 a/b"


@pytest.fixture(autouse=True)
def notices(monkeypatch):
    """Record the tasks that are enqueued instead of sending them to a broker."""
    return record_messages(monkeypatch)


@pytest.fixture
def alice():
    return make_user("alice", organisation=make_organisation())


@pytest.fixture
def connection(alice):
    connection = make_connection(alice, make_organisation("Other"), email=ADDRESS)
    return make_integration(connection, consent=False).connection


@pytest.fixture
def sam():
    return make_agent()


def make_code(user, *, at=None):
    return support_codes.make_code(user_id=user.id, at=at or timezone.now())


def make_receipt(user):
    return Receipt.objects.create(
        subject_id=uuid7(), owner_id=user.id, document=b"{}", created_at=timezone.now()
    )


class TestAddress:
    def test_of_sign_in_finds_its_person_however_it_is_typed(self, sam, alice):
        assert find_user_ids(sam, f"  {alice.email.upper()} ") == {alice.id}

    def test_of_a_connected_account_finds_its_owner(self, sam, alice, connection):
        assert find_user_ids(sam, ADDRESS.title()) == {alice.id}

    def test_that_is_verified_finds_its_person(self, sam, alice):
        verified(alice)
        alice.emailaddress_set.create(email="second@antares.example", verified=True)

        assert find_user_ids(sam, "second@antares.example") == {alice.id}

    def test_that_is_not_verified_finds_nobody(self, sam, alice):
        alice.emailaddress_set.create(email="second@antares.example", verified=False)

        assert find(sam, "second@antares.example") == []

    def test_of_several_people_finds_all_of_them(self, sam, alice, connection):
        bob = make_user("bob", email=ADDRESS)

        assert find_user_ids(sam, ADDRESS) == {alice.id, bob.id}

    def test_of_an_ended_connection_finds_nobody(self, sam, connection):
        Connection.objects.filter(id=connection.id).update(
            **dict.fromkeys(("account_blind", "address_blind", "email"), None),
            **dict.fromkeys(("refresh_token", "access_token", "wanted_claims"), None),
            status=ConnectionStatus.ENDED,
            ended_at=timezone.now(),
        )

        assert find(sam, ADDRESS) == []

    @pytest.mark.claim("data-use.support-states")
    @pytest.mark.parametrize("part", ["alice.box", "@mail.example", "alice.box@mail", "%", "*@*"])
    def test_that_is_not_exact_finds_nobody(self, sam, connection, part):
        with contextlib.suppress(lookups.LookupInvalid):
            assert find(sam, part) == []


class TestId:
    def test_of_the_platform_finds_its_person(self, sam, alice):
        assert find_user_ids(sam, alice.platform_id, LookupMeans.PLATFORM_ID) == {alice.id}

    def test_of_a_connection_finds_its_owner_also_when_it_has_ended(self, sam, alice, connection):
        assert find_user_ids(sam, str(connection.id), LookupMeans.CONNECTION) == {alice.id}

    def test_of_a_receipt_finds_its_owner(self, sam, alice):
        receipt = make_receipt(alice)

        assert find_user_ids(sam, str(receipt.id), LookupMeans.RECEIPT) == {alice.id}

    @pytest.mark.parametrize("means", [LookupMeans.CONNECTION, LookupMeans.RECEIPT])
    def test_that_is_unknown_finds_nobody(self, sam, means):
        assert find(sam, str(uuid7()), means) == []


class TestCode:
    def test_finds_its_person_once(self, sam, alice):
        row, code = make_code(alice)

        assert find_user_ids(sam, code.lower(), LookupMeans.CODE) == {alice.id}
        assert find(sam, code, LookupMeans.CODE) == []
        row.refresh_from_db()
        assert (row.used_by, row.agent_name) == (sam.id, sam.name)
        assert row.used_at is not None

    def test_belongs_to_the_first_agent(self, sam, alice):
        _, code = make_code(alice)
        find(sam, code, LookupMeans.CODE)

        assert find(make_agent("tim"), code, LookupMeans.CODE) == []

    def test_that_has_expired_finds_nobody(self, sam, alice):
        row, code = make_code(alice, at=timezone.now() - timedelta(minutes=11))

        assert find(sam, code, LookupMeans.CODE) == []
        row.refresh_from_db()
        assert row.used_at is None

    def test_of_the_agent_finds_nobody_and_stays_unused(self, sam):
        row, code = make_code(sam)

        assert find(sam, code, LookupMeans.CODE) == []
        row.refresh_from_db()
        assert row.used_at is None

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_is_understood_however_it_is_typed(self, data):
        letters = st.sampled_from(support_codes._ALPHABET)
        code = "".join(data.draw(st.lists(letters, min_size=10, max_size=10)))
        alike = {"0": "0Oo", "1": "1IiLl"}
        typed = "".join(
            data.draw(st.sampled_from(("", " ", "-", " - ", "\u2009")))
            + data.draw(st.sampled_from(alike.get(letter, letter + letter.lower())))
            for letter in code
        )

        assert support_codes.parse_code(typed) == code

    @pytest.mark.parametrize(
        "typed", ["", "7K2MP4QXZ", "7K2MP-4QXZ99", "7K2MU-4QXZ9", "\uff17K2MP-4QXZ9"]
    )
    def test_that_cannot_be_one_is_not_understood(self, typed):
        with pytest.raises(support_codes.NotACode):
            support_codes.parse_code(typed)


class TestAgents:
    @pytest.mark.parametrize(
        "means", [LookupMeans.ADDRESS, LookupMeans.PLATFORM_ID, LookupMeans.CONNECTION]
    )
    def test_do_not_find_themselves(self, sam, means):
        own = make_integration(
            make_connection(sam, make_organisation(), email=ADDRESS), consent=False
        )
        values = {
            LookupMeans.ADDRESS: ADDRESS,
            LookupMeans.PLATFORM_ID: sam.platform_id,
            LookupMeans.CONNECTION: str(own.connection_id),
        }

        assert find(sam, values[means], means) == []

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.OPERATOR])
    def test_of_another_role_are_refused_and_recorded(self, alice, role):
        otto = make_agent("otto", role)

        with pytest.raises(AccessRefused):
            find(otto, alice.email)

        assert [entry["event"] for entry in list_decisions()] == ["use.refused"]
        assert not SupportLookup.objects.exists()

    def test_who_are_inactive_are_refused(self, alice):
        with pytest.raises(AccessRefused):
            find(make_agent(is_active=False, deactivated_at=timezone.now()), alice.email)


class TestRecords:
    @pytest.mark.claim("support.look-up-recorded")
    @pytest.mark.clause("LU-3.1")
    def test_are_one_decision_and_one_look_up_also_if_nobody_is_found(self, sam, alice):
        find(sam, alice.email, reason=SupportReason.SYNC_PROBLEM, ticket=TICKET)
        find(sam, "nobody@antares.example")

        assert [entry["event"] for entry in list_decisions()] == [
            "use.permitted",
            "use.permitted",
        ]
        hit, miss = SupportLookup.objects.order_by("opened_at", "id")
        hit, miss = (hit, miss) if hit.user_id else (miss, hit)
        assert (hit.agent_id, hit.user_id, hit.means) == (sam.id, alice.id, LookupMeans.ADDRESS)
        assert (hit.reason, hit.ticket) == (SupportReason.SYNC_PROBLEM, TICKET)
        assert hit.expires_at - hit.opened_at == timedelta(minutes=30)
        assert miss.user_id is None

    @pytest.mark.claim("support.value-not-stored")
    def test_do_not_have_the_typed_value(self, sam, alice, connection, caplog):
        caplog.set_level("DEBUG")
        _, code = make_code(alice)
        find(sam, ADDRESS)
        find(sam, "nobody@nowhere.example")
        find(sam, code, LookupMeans.CODE)

        stored = b"".join(bytes(leaf.payload) for leaf in Leaf.objects.all()).decode()
        rows = [*SupportLookup.objects.values(), *SupportCode.objects.values()]
        everything = f"{stored} {rows} {caplog.text}"
        for typed in (ADDRESS, "nobody@nowhere", code, code.replace("-", "")):
            assert typed not in everything

    def test_have_a_notice_for_everybody_who_was_found(self, sam, alice, notices):
        (lookup_id,) = find(sam, alice.email)
        find(sam, "nobody@antares.example")

        queued = [message for message in notices if "notify_of_lookup" in str(message)]
        assert len(queued) == 1
        assert str(lookup_id) in str(queued[0])


class TestBounds:
    def test_stop_an_agent_after_sixty_look_ups_an_hour_and_record_it(self, sam, alice):
        for _ in range(60):
            find(sam, "nobody@antares.example")

        with pytest.raises(lookups.TooManyLookups):
            find(sam, alice.email)

        refused = [entry for entry in list_decisions() if entry["event"] == "use.refused"]
        assert len(refused) == 1
        assert find(make_agent("tim"), alice.email)

    def test_stop_guessing_of_codes_by_all_agents_together(self, monkeypatch, alice):
        monkeypatch.setattr(lookups, "HOURLY_CODES", replace(lookups.HOURLY_CODES, limit=2))
        for name in ("sam", "tim"):
            find(make_agent(name), "7K2MP-4QXZ9", LookupMeans.CODE)
        _, code = make_code(alice)

        with pytest.raises(lookups.TooManyLookups):
            find(make_agent("kim"), code, LookupMeans.CODE)

    def test_of_one_agent_do_not_use_up_the_codes_of_all(self, monkeypatch, sam, alice):
        for name, limit in (("HOURLY_LOOKUPS", 1), ("HOURLY_CODES", 2)):
            monkeypatch.setattr(lookups, name, replace(getattr(lookups, name), limit=limit))
        find(sam, "7K2MP-4QXZ9", LookupMeans.CODE)
        for _ in range(2):
            with pytest.raises(lookups.TooManyLookups):
                find(sam, "7K2MP-4QXZ9", LookupMeans.CODE)
        _, code = make_code(alice)

        assert find_user_ids(make_agent("kim"), code, LookupMeans.CODE) == {alice.id}

    @pytest.mark.parametrize(
        ("means", "value"),
        [
            (LookupMeans.ADDRESS, "alice"),
            (LookupMeans.ADDRESS, "a@b c@d"),
            (LookupMeans.ADDRESS, "a" * 250 + "@b.example"),
            (LookupMeans.CONNECTION, "alice@antares.example"),
            (LookupMeans.RECEIPT, "1"),
            (LookupMeans.CODE, "1234"),
            (LookupMeans.PLATFORM_ID, "  "),
            (LookupMeans.PLATFORM_ID, "a\0b"),
        ],
    )
    def test_of_a_value_that_cannot_be_of_its_kind(self, sam, means, value):
        with pytest.raises(lookups.LookupInvalid):
            find(sam, value, means)
        assert list_decisions() == []

    @pytest.mark.parametrize(
        ("text", "is_one"),
        [("CASE-17", True), ("#17", False), ("a@b.example", False), ("", False), ("a" * 41, False)],
    )
    def test_of_a_ticket(self, text, is_one):
        assert lookups.is_ticket(text) is is_one

    def test_count_a_look_up_once_that_found_several_people(self, sam, alice, monkeypatch):
        monkeypatch.setattr(lookups, "USUAL_LOOKUPS_PER_HOUR", 1)
        make_connection(alice, make_organisation("Other"), email=ADDRESS)
        make_user("bob", email=ADDRESS)

        assert len(find(sam, ADDRESS)) == 2

        assert not Alarm.objects.exists()


class TestOpenLookup:
    def test_is_the_agents_own_until_it_ends(self, sam, alice):
        (lookup_id,) = find(sam, alice.email)
        tim, now = make_agent("tim"), timezone.now()

        def get(agent, found=lookup_id, at=now):
            with at_desk_of(agent):
                return lookups.get_open_lookup(found, actor=actor_of(agent), at=at)

        assert get(sam).user_id == alice.id
        assert get(tim) is None
        assert get(sam, uuid7()) is None
        assert get(sam, at=now + timedelta(minutes=31)) is None

    def test_is_listed_with_the_newest_first(self, sam, alice):
        find(sam, "nobody@antares.example")
        (lookup_id,) = find(sam, alice.email)

        with at_desk_of(sam):
            listed = lookups.list_open_lookups(actor=actor_of(sam), at=timezone.now())

        assert [row.id for row in listed] == [lookup_id]
        assert isinstance(listed[0].id, UUID)
