"""A write at Google or Microsoft whose process is killed, and the same request after its lease."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from accounts.models import RateCount
from integrations.access import scopes
from integrations.models import AttemptOutcome, Calendar, Event, QuotaBucket, Reply, SyncWork
from tests.api import cast
from tests.api.calendars.asking import V1
from tests.factories import make_organisation, make_user
from tests.integrations import google, microsoft
from tests.integrations.purge.conftest import keyring
from tests.races.writers import Writer, has_no_other_connection
from tests.worlds.processes import wait_until

__all__ = ["keyring"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scenario("C3"),
    pytest.mark.invariant(9),
]
FEATURES = [f"{one.key}:{one.version}" for one in scopes.features_for("calendar")]
# More lines than a write has; the loop ends with the first that is not reached.
MANY = 500
STEPS = [
    "web/idempotency.py",
    "calendar/api/event_views.py",
    "providers/google/google_calendar_adapter.py",
    "providers/microsoft/graph_calendar_adapter.py",
    *(
        f"calendar/events/{name}.py"
        for name in ("event_service", "cache_update", "verified_writes", "provider_backend")
    ),
]
# Where a write is killed: at the beginning of which function; whether people have to be free; how
# many events there are at the provider by then, and how many rows.
KILLS = [
    ("calendar/events/verified_writes.py:create", True, (0, 0)),
    ("calendar/events/cache_update.py:apply_to_cache", False, (1, 0)),
    ("calendar/events/cache_update.py:apply_to_cache", True, (1, 0)),
    ("calendar/events/cache_update.py:_schedule_sync", True, (1, 0)),
    ("web/idempotency.py:complete", True, (1, 1)),
]


class KilledAtGoogle:
    """Alice's account at Google."""

    def __init__(self, sandbox, settings) -> None:
        google.point_at(settings, sandbox)
        settings.GMAIL_UNITS_PER_MINUTE = 0
        sandbox.dial(units_per_minute=0, concurrency=0)
        sandbox.seed(google.ALICE_BOX)
        self.sandbox, self.environment = sandbox, {}

    def connect(self, user) -> str:
        browser = google.GoogleConnectBrowser(user, self.sandbox)
        address = browser.begin(product="calendar", version=FEATURES)
        browser.arrive(self.sandbox.consent(address, email=google.ALICE_BOX))
        return browser.attempt().outcome

    def count_events(self, title: str) -> int:
        events = self.sandbox.calendar(google.ALICE_BOX)["events"]
        return [(one["summary"], one["status"]) for one in events].count((title, "confirmed"))


class KilledAtMicrosoft:
    """Alice's account at Microsoft."""

    def __init__(self, sandbox, settings) -> None:
        self.microsoft = microsoft.point_at(settings, sandbox)
        settings.GRAPH_UNITS_PER_MINUTE = 0
        self.microsoft.seed(microsoft.ALICE_BOX)
        self.environment = {
            "MICROSOFT_AUTHORITY_URL": sandbox.url,
            "MICROSOFT_GRAPH_URL": sandbox.url,
            "MICROSOFT_CLIENT_ID": settings.MICROSOFT.client_id,
            "MICROSOFT_CLIENT_SECRET": settings.MICROSOFT.client_secret,
        }

    def connect(self, user) -> str:
        browser = microsoft.MicrosoftConnectBrowser(user, self.microsoft)
        begun = browser.begin(product="calendar", version=FEATURES)
        said = self.microsoft.visit(begun["Location"], "accept", account=microsoft.ALICE_BOX)
        return browser.arrive(**said).outcome

    def count_events(self, title: str) -> int:
        where = {"email": microsoft.ALICE_BOX, "provider": "microsoft"}
        events = self.microsoft.look("calendar", **where)["events"]
        return [(one["summary"], one["status"]) for one in events].count((title, "confirmed"))


@dataclass
class KilledWrite:
    """
    Alice, her calendar at the provider, and a process that writes for her and is killed.

    :param start: of the next event: each has an hour of its own, in which she is free
    """

    provider: KilledAtGoogle | KilledAtMicrosoft
    writer: Writer
    user: object
    start: datetime
    count: int = 0

    def __post_init__(self) -> None:
        self.browser = cast.browser(self.user)
        self.calendar_id = str(Calendar.objects.get().id)

    def write(self, *, require_free: bool, **kill: object) -> tuple[int, int | None]:
        """
        Have a process write an event and be killed, and send the same again until it is answered.

        Return how the process ended, and how many seconds the first answer said to wait.
        """
        # The worker looks again after each write: it does not bring in the next one meanwhile.
        wait_until(nothing_is_due, within=60)
        # Written faster than one person may.
        RateCount.objects.all().delete()
        self.count += 1
        self.start += timedelta(hours=2)
        title, key = f"Tea {self.count}", f"key-{self.count:08}"
        end = self.start + timedelta(hours=1)
        when = {"object": "timespan", "start": self.start.isoformat(), "end": end.isoformat()}
        body = {"calendar_id": self.calendar_id, "title": title, "when": when}
        body |= {"require_free": [str(self.user.id)]} if require_free else {}
        cookies = f"session={self.browser.cookies['session'].value}"

        ended = self.writer.write(cookies=cookies, body=json.dumps(body), key=key, **kill)
        wait_until(has_no_other_connection)
        self.left = self.provider.count_events(title), Event.objects.count() - (self.count - 1)

        answer, wait = self.send(body, key), None
        if answer.status_code == 409:
            assert answer.json()["code"] == "in-progress", answer.json()
            wait = int(answer["Retry-After"])
            Reply.objects.filter(status=None).update(held_until=timezone.now())
            # The slot of the killed request ends before that lease.
            QuotaBucket.objects.update(slot_leases=[])
            answer = self.send(body, key)
        assert answer.status_code == 201, (self.count, kill, answer.content)
        assert answer.json()["title"] == title
        assert Event.objects.filter(id=answer.json()["id"]).exists()
        assert (self.provider.count_events(title), Event.objects.count()) == (1, self.count), kill
        return ended, wait

    def send(self, body, key):
        path, headers = f"{V1}/events", {"Idempotency-Key": key}
        return self.browser.post(path, body, content_type="application/json", headers=headers)


def nothing_is_due() -> bool:
    due = Q(next_sync_at__lte=timezone.now()) | Q(lease_by__isnull=False)
    return not SyncWork.objects.filter(due).exists()


@pytest.fixture(params=[KilledAtGoogle, KilledAtMicrosoft])
def writing(request, keyring, sandbox, settings):
    provider = request.param(sandbox, settings)
    user = make_user("alice", organisation=make_organisation("Acme"))
    assert provider.connect(user) == AttemptOutcome.CONNECTED
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    with Writer(**provider.environment) as writer:
        writer.work()
        wait_until(lambda: Calendar.objects.exclude(cached_at=None).exists(), within=60)
        yield KilledWrite(provider, writer, user, start)


class TestWriteAtAProviderThatWasKilled:
    """The same request waits for the lease, and then finds what the provider has."""

    def test_is_there_once(self, writing):
        for place, require_free, left in KILLS:
            ended, wait = writing.write(require_free=require_free, place=place)

            assert (ended, writing.left) == (-9, left), place
            assert 100 < wait <= 120

    @pytest.mark.parametrize("require_free", [False, True])
    @pytest.mark.thorough("a write at each provider, killed before each line that it runs")
    def test_is_there_once_wherever_it_was_killed(self, writing, require_free):
        seen = []
        for line in range(1, MANY):
            ended, wait = writing.write(require_free=require_free, line=line, steps=STEPS)
            seen.append((writing.left, wait is None))
            if ended == 201:
                break
            assert ended == -9

        # Before the lease, before the provider, before our rows, before the answer and after it.
        stages = {((0, 0), True), ((0, 0), False), ((1, 0), False), ((1, 1), False), ((1, 1), True)}
        assert set(seen) == stages
        assert 40 < len(seen) < MANY - 1
