"""What every way of waiting promises of a call: `ProviderSession` with each admission."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection as database

from accounts import row_owner
from integrations.coordination import person_slots
from integrations.grants import quota_buckets, request_slots
from integrations.grants.admission_control import (
    PersonAdmission,
    UnmeteredAdmission,
    WorkerAdmission,
)
from integrations.grants.provider_sessions import ProviderSession
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.models import QuotaBucket
from integrations.providers import PROVIDERS, errors
from integrations.providers.provider_access import ProviderAccess
from tests.integrations import household as houses

pytestmark = pytest.mark.django_db

UNITS = 5
MOST_AT_ONCE = 4
# Units a minute: so slow that a test of some seconds gains less than the price of a call.
PACE = 60
CAPACITY = quota_buckets.MailboxRateLimit(PACE).burst_capacity
GAIN = 2
# Google's mailboxes, if they answered as few requests at once as Microsoft's.
PROVIDER = replace(PROVIDERS["google"], most_at_once=MOST_AT_ONCE)
REFUSAL = errors.TokenRejected("expired", status=401)

ADMISSIONS = {
    "person": lambda house: PersonAdmission(house.connection.id, PROVIDER),
    "worker": lambda house: WorkerAdmission(house.connection.id, PROVIDER, slots=MOST_AT_ONCE),
    "watch": lambda house: WorkerAdmission(house.connection.id, PROVIDER, slots=1),
    "unmetered": lambda _: UnmeteredAdmission(),
}
METERED = ["person", "worker", "watch"]


@pytest.fixture(autouse=True)
def pace(settings):
    settings.GMAIL_UNITS_PER_MINUTE = PACE


@pytest.fixture
def house(db):
    """Return Alice's mailbox, with a full bucket."""
    alice = houses.household()
    quota_buckets.create_quota_bucket(connection_id=alice.connection.id)
    fill_bucket(alice, CAPACITY)
    with row_owner.acting_for(alice.user.id, alice.connection.organisation_id):
        yield alice


class Token:
    """A credential that counts how often the session refuses it."""

    def __init__(self) -> None:
        self.claims: list[str] = []

    def __call__(self) -> str:
        return f"token {len(self.claims)}"

    def renew(self, claims: str = "") -> None:
        self.claims.append(claims)


class Request:
    """A request that the provider refuses as scripted; notes what is paid and held meanwhile."""

    def __init__(self, house, token: Token, *refusals: Exception) -> None:
        self.house, self.token, self.refusals = house, token, list(refusals)
        self.tokens: list[str] = []
        self.paid: list[float] = []
        self.slots: list[int] = []
        self.waits: list[int] = []

    def __call__(self) -> str:
        bucket = get_bucket(self.house)
        self.tokens.append(self.token())
        self.paid.append(CAPACITY - bucket.units)
        self.slots.append(len(bucket.slot_leases))
        self.waits.append(person_slots.WAIT_SLOTS.count_lent(self.house.user.id))
        if self.refusals:
            raise self.refusals.pop(0)
        return "answer"


def get_bucket(house) -> QuotaBucket:
    return QuotaBucket.objects.get(connection=house.connection)


def open_session(house, name: str, token: Token) -> ProviderSession:
    access = ProviderAccess(token, "https://provider.example", house.connection.id)
    return ProviderSession(access, ADMISSIONS[name](house))


def start_session(house, name: str, *refusals: Exception) -> tuple[ProviderSession, Request]:
    token = Token()
    return open_session(house, name, token), Request(house, token, *refusals)


def fill_bucket(house, units: float) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_quotabucket SET units = %s, counted_at = clock_timestamp()"
            " WHERE connection_id = %s",
            [units, house.connection.id],
        )


@pytest.mark.parametrize("name", ADMISSIONS)
class TestARefusedToken:
    def test_is_renewed_once_and_the_call_repeated(self, house, name):
        session, request = start_session(house, name, REFUSAL)

        assert session.call(request, units=UNITS) == "answer"
        assert request.tokens == ["token 0", "token 1"]

    def test_is_not_renewed_twice_in_one_call(self, house, name):
        session, request = start_session(house, name, REFUSAL, REFUSAL)

        with pytest.raises(errors.TokenRejected):
            session.call(request, units=UNITS)

        assert request.tokens == ["token 0", "token 1"]
        assert len(request.token.claims) == 1

    def test_is_renewed_again_by_the_next_call(self, house, name):
        session, request = start_session(house, name, REFUSAL)
        session.call(request)
        request.refusals = [REFUSAL]

        assert session.call(request) == "answer"
        assert len(request.token.claims) == 2

    def test_is_renewed_with_the_claims_that_the_provider_wants(self, house, name):
        claims = '{"access_token": {}}'
        session, request = start_session(
            house, name, errors.ClaimsWanted("no", claims=claims, status=401)
        )

        session.call(request)

        assert request.token.claims == [claims]

    def test_is_kept_after_every_other_error(self, house, name):
        session, request = start_session(house, name, errors.Gone("gone"))

        with pytest.raises(errors.Gone):
            session.call(request)

        assert request.tokens == ["token 0"]
        assert request.token.claims == []


class TestQuota:
    @pytest.mark.parametrize("name", METERED)
    def test_is_paid_before_the_request(self, house, name):
        session, request = start_session(house, name)

        session.call(request, units=UNITS)
        session.call(request, units=UNITS)

        assert request.paid == [pytest.approx(UNITS, abs=GAIN), pytest.approx(2 * UNITS, abs=GAIN)]

    @pytest.mark.parametrize(("name", "payments"), [("person", 1), ("worker", 2), ("watch", 2)])
    def test_is_paid_by_a_worker_for_each_attempt_and_by_a_page_once(self, house, name, payments):
        session, request = start_session(house, name, REFUSAL)

        session.call(request, units=UNITS)

        assert request.paid[1] == pytest.approx(payments * UNITS, abs=GAIN)

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("person", errors.RateLimited),
            ("worker", ProviderCallPostponed),
            ("watch", ProviderCallPostponed),
        ],
    )
    def test_that_is_used_up_sends_nothing(self, house, name, error):
        session, request = start_session(house, name)
        fill_bucket(house, -1_000)

        with pytest.raises(error):
            session.call(request, units=UNITS)

        assert request.tokens == []
        assert get_bucket(house).slot_leases == []

    @pytest.mark.parametrize("name", METERED)
    def test_is_not_asked_about_a_free_call(self, house, name):
        session, request = start_session(house, name)
        fill_bucket(house, -1_000)

        assert session.call(request) == "answer"

    def test_and_slots_are_not_needed_by_an_unmetered_call(self, house, django_assert_num_queries):
        session, token = open_session(house, "unmetered", Token()), Token()

        with django_assert_num_queries(0):
            assert session.call(token, units=UNITS) == "token 0"


class TestSlots:
    @pytest.mark.parametrize(("name", "count"), [("person", 3), ("worker", 4), ("watch", 1)])
    def test_are_held_by_the_request(self, house, name, count):
        session, request = start_session(house, name)

        session.call(request, units=3)

        assert request.slots == [count]
        assert get_bucket(house).slot_leases == []

    @pytest.mark.parametrize("name", METERED)
    @pytest.mark.parametrize("error", [errors.Gone("no"), errors.RateLimited("no"), OSError("no")])
    def test_are_given_back_when_the_call_raises(self, house, name, error):
        session, request = start_session(house, name, error)

        with pytest.raises(type(error)):
            session.call(request, units=3)

        assert request.slots != [0]
        assert get_bucket(house).slot_leases == []
        assert person_slots.WAIT_SLOTS.count_lent(house.user.id) == 0

    @pytest.mark.parametrize("name", METERED)
    def test_are_given_back_when_the_new_token_is_refused_as_well(self, house, name):
        session, request = start_session(house, name, REFUSAL, REFUSAL)

        with pytest.raises(errors.TokenRejected):
            session.call(request, units=3)

        assert request.slots[0] == request.slots[1] > 0
        assert get_bucket(house).slot_leases == []

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("person", errors.RateLimited),
            ("worker", ProviderCallPostponed),
            ("watch", ProviderCallPostponed),
        ],
    )
    def test_that_others_hold_send_nothing(self, house, name, error):
        session, request = start_session(house, name)

        with (
            request_slots.hold_slots(
                connection_id=house.connection.id, want=MOST_AT_ONCE, most=MOST_AT_ONCE
            ),
            pytest.raises(error),
        ):
            session.call(request, units=3)

        assert request.tokens == []
        assert person_slots.WAIT_SLOTS.count_lent(house.user.id) == 0

    @pytest.mark.parametrize(("name", "renewed_in"), [("person", 3), ("worker", 0), ("watch", 0)])
    def test_are_kept_by_a_page_while_the_token_is_renewed(self, house, name, renewed_in):
        held: list[int] = []

        class Watched(Token):
            def renew(self, claims: str = "") -> None:
                held.append(len(get_bucket(house).slot_leases))

        token = Watched()
        session, request = open_session(house, name, token), Request(house, token, REFUSAL)

        session.call(request, units=3)

        assert held == [renewed_in]


class TestAPersonsWait:
    def test_is_one_of_theirs_during_the_call(self, house):
        session, request = start_session(house, "person")

        session.call(request, units=UNITS)

        assert request.waits == [1]
        assert person_slots.WAIT_SLOTS.count_lent(house.user.id) == 0

    @pytest.mark.parametrize("name", ["worker", "watch", "unmetered"])
    def test_is_not_taken_by_a_worker(self, house, name):
        session, request = start_session(house, name)

        session.call(request, units=UNITS)

        assert request.waits == [0]

    def test_is_refused_at_once_when_they_have_two(self, house):
        session, request = start_session(house, "person")
        slots = [
            person_slots.WAIT_SLOTS.lend_slot(house.user.id) for _ in range(person_slots.MOST_WAITS)
        ]

        with pytest.raises(person_slots.TooManyWaits):
            session.call(request, units=UNITS)

        assert request.tokens == []
        for slot in slots:
            slot.give_back()
