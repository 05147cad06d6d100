"""
One person with something for every operation: mail, calendars, shares, and files for a Drive.

The provider is the sandbox, reached with Google's client library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Organisation, User
from config.process_classes import ProcessClass
from integrations.models import (
    Connection,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FeatureRemoval,
    FileSourceKind,
    Integration,
    OutboxCommand,
    RemovalReason,
    SyncWork,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from tests import outbox
from tests.api import cast
from tests.factories import as_agreed, make_organisation, make_user
from tests.integrations.drive.feature_world import WAV, FeatureWorld
from tests.integrations.drive.tus_files import FileClient
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser, point_at
from tests.walls import acting_as
from tests.worlds.sandbox import Sandbox

V1 = "/v1/users/me"
#: Features of `FEATURES` that a person agrees to besides those of a connect.
AGREED = ("local-calendar", "calendar-sharing")
SOON = timedelta(days=2)
#: Size of a file for the Drive.
FILE_BYTES = 3


@dataclass
class GeneratedRequestsWorld:
    """
    Alice and her colleague Bob.

    :param ids: of what the requests of `known_requests` use; of events, by their titles
    :param etags: versions, by the same names
    :param recordings: a token of the feature that proposed a file
    :param day: the time of the first events; by default the day after tomorrow
    """

    alice: User
    bob: User
    organisation: Organisation
    at: datetime
    ids: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    recordings: str = ""
    day: datetime | None = None

    @property
    def soon(self) -> datetime:
        """The time of the first events."""
        return self.day or self.at + SOON

    def hour(self, offset: float = 0) -> dict[str, str]:
        """Return an hour of the day after tomorrow, as the provider writes it."""
        start = self.soon + timedelta(hours=offset)
        return {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}


def settings_of(sandbox: Sandbox) -> override_settings:
    """Return the settings with which `sandbox` is our Google."""
    found = SimpleNamespace(GOOGLE=settings.GOOGLE)
    point_at(found, sandbox)
    return override_settings(**vars(found))


def build_world(
    sandbox: Sandbox, *, mail: Sequence[bytes] = (), day: datetime | None = None
) -> GeneratedRequestsWorld:
    """
    :param mail: messages of Alice's mailbox; by default hostile ones
    :param day: see `GeneratedRequestsWorld`
    """
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    bob = make_user("bob", organisation=organisation)
    cast.verified(bob)
    at = timezone.now().replace(microsecond=0)
    if at.second == 0:
        # Examples tell the times of this run from whole minutes, which are those of the events.
        at -= timedelta(seconds=1)
    world = GeneratedRequestsWorld(alice, bob, organisation, at, day=day)
    _fill_account(world, sandbox, mail)
    _connect(alice, sandbox)
    _sync_everything()
    _agree_to_features(world)
    browser = cast.browser(alice)
    _fill_local_calendars(world, browser)
    _fill_outbox(world)
    _fill_files(world, sandbox)
    _add_removal(world)
    _read_ids(world, browser)
    return world


def _fill_account(world: GeneratedRequestsWorld, sandbox: Sandbox, mail: Sequence[bytes]) -> None:
    sandbox.seed(ALICE_BOX, size=0 if mail else 3)
    arrived_at = int(world.at.timestamp() * 1_000)
    for offset, raw in enumerate(mail or (cast.hostile_mail(),)):
        # Two messages of the same millisecond would have no order.
        sandbox.deliver(ALICE_BOX, raw=raw, date=arrived_at + offset)
    team = sandbox.add_calendar(ALICE_BOX, "Team")
    plain = {key: {"dateTime": value} for key, value in world.hour().items()}
    # One for each write: what a test writes at the provider stays.
    for title in ("Review", "To change", "To delete", "To move"):
        sandbox.put_event(ALICE_BOX, summary=title, **plain)
    sandbox.put_event(ALICE_BOX, summary="Lunch", calendar=team, **plain)
    sandbox.put_event(
        ALICE_BOX,
        summary="Invitation",
        organizer={"email": "organiser@mail.example"},
        attendees=[{"email": ALICE_BOX, "self": True, "responseStatus": "needsAction"}],
        **plain,
    )


def _connect(alice: User, sandbox: Sandbox) -> None:
    browser = GoogleConnectBrowser(alice, sandbox)
    browser.connect()
    products = {
        "calendar": as_agreed("calendar", "calendar-editing"),
        "drive": as_agreed("drive"),
    }
    for product, version in products.items():
        account = Connection.objects.get(user=alice)
        address = browser.begin(account, product=product, version=version)
        browser.arrive(sandbox.consent(address, email=ALICE_BOX))


def _sync_everything() -> None:
    """Run the workers' turns until nothing is due; each listing may add more work."""
    for _ in range(10):
        due = SyncWork.objects.filter(next_sync_at__lte=timezone.now()).order_by("id")
        due_ids = list(due.values_list("id", flat=True))
        if not due_ids:
            return
        for work_id in due_ids:
            with acting_as(ProcessClass.SYNC):
                while sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now()):
                    pass
    raise AssertionError("work is still due")


def _agree_to_features(world: GeneratedRequestsWorld) -> None:
    with transaction.atomic():
        for feature in AGREED:
            consents.give(
                person_id=world.alice.id,
                organisation_id=world.organisation.id,
                feature=feature,
                version=FEATURES[feature].version,
                at=world.at,
            )


def _fill_local_calendars(world: GeneratedRequestsWorld, browser: Client) -> None:
    calendar = {"timezone": "Europe/Berlin", "version": FEATURES["local-calendar"].version}
    answer = _post_json(browser, "calendars", {"name": "Local", **calendar}, "local-calendar-1")
    world.ids["local"] = answer["id"]
    world.etags["local"] = answer["etag"]
    other = _post_json(browser, "calendars", {"name": "Other", **calendar}, "local-calendar-2")
    world.ids["other"] = other["id"]
    when = {"object": "timespan", "timezone": "UTC", **world.hour(4)}
    event = {"calendar_id": answer["id"], "title": "At home", "when": when}
    _post_json(browser, "events", event, "local-event-0001")
    share = {
        "email": world.bob.email,
        "level": "details",
        "version": FEATURES["calendar-sharing"].version,
    }
    _post_json(browser, f"calendars/{answer['id']}/shares", share)


def _fill_outbox(world: GeneratedRequestsWorld) -> None:
    """Allow sending, and leave a waiting message, one of unknown outcome and a proposal."""
    mailbox = Integration.objects.get(connection__user=world.alice, product="mail")
    cast.allow_sending(mailbox.connection)
    waiting, unknown = (outbox.make_command(mailbox, timezone.now()) for _ in range(2))
    OutboxCommand.objects.filter(id=waiting.id).update(
        undo_until=world.at + SOON, due_at=world.at + SOON
    )
    OutboxCommand.objects.filter(id=unknown.id).update(
        state="unknown", problem="not_found", sending_at=world.at, due_at=None
    )
    world.ids |= {
        "mailbox": str(mailbox.id),
        "waiting": str(waiting.id),
        "unknown": str(unknown.id),
        "proposal": str(outbox.make_proposal(mailbox, timezone.now()).id),
    }


def _fill_files(world: GeneratedRequestsWorld, sandbox: Sandbox) -> None:
    """Leave the person's file in each state that an operation needs, and a feature's proposal."""
    drive = Integration.objects.get(connection__user=world.alice, product="drive")
    feature = FeatureWorld(world.alice, drive, sandbox)
    world.recordings = feature.http.defaults["HTTP_AUTHORIZATION"]
    person = FileClient(cast.browser(world.alice), sandbox)
    addresses = {
        "proposed": feature.files.begin(FILE_BYTES, content_type=WAV),
        "accepted": feature.files.begin(FILE_BYTES, content_type=WAV),
        "sendable": person.begin(FILE_BYTES, query="?again=true"),
        "paused": person.begin(FILE_BYTES, query="?again=true"),
        "failed": person.begin(FILE_BYTES, query="?again=true"),
    }
    world.ids |= {name: address.rpartition("/")[2] for name, address in addresses.items()}
    accepted = cast.browser(world.alice).post(f"{addresses['accepted']}/accept")
    assert accepted.status_code == 200, accepted.content
    DriveFile.objects.filter(id=world.ids["paused"]).update(state=DriveFileState.PAUSED)
    # A source that a worker would read again.
    DriveFile.objects.filter(id=world.ids["failed"]).update(
        state=DriveFileState.FAILED,
        problem=DriveFileProblem.UNAVAILABLE,
        source=FileSourceKind.CALENDAR,
        source_id=world.ids["local"],
        finished_at=world.at,
    )


def _add_removal(world: GeneratedRequestsWorld) -> None:
    """Owe a removal of two messages, which the feature has listed."""
    mail = Integration.objects.get(connection__user=world.alice, product="mail")
    removal = FeatureRemoval.objects.create(
        feature="inbox-widget",
        user_id=world.alice.id,
        organisation_id=world.organisation.id,
        connection_id=mail.connection_id,
        integration_id=mail.id,
        product=mail.product,
        delegation_id=uuid7(),
        reason=RemovalReason.DELETED_AT_PROVIDER,
        item_ids=[uuid7(), uuid7()],
        last_read_at=world.at,
        issued_at=world.at,
        due_at=world.at + timedelta(hours=24),
        listed_at=world.at,
    )
    world.ids["removal"] = str(removal.id)


def _post_json(browser: Client, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = browser.post(f"{V1}/{path}", body, content_type="application/json", headers=headers)
    assert answer.status_code < 300, answer.content
    found: dict[str, Any] = answer.json()
    return found


def _read_ids(world: GeneratedRequestsWorld, browser: Client) -> None:
    def list_data(path: str, **query: str) -> list[dict[str, Any]]:
        return list(browser.get(f"{V1}/{path}", query).json()["data"])

    message = list_data("messages", has_attachments="true")[0]
    whole = browser.get(f"{V1}/messages/{message['id']}").json()
    calendars = list_data("calendars")
    primary = next(one for one in calendars if one["is_primary"])
    team = next(one for one in calendars if one["name"] == "Team")
    span = {
        "start": (world.soon - SOON).isoformat(),
        "end": (world.soon + SOON).isoformat(),
    }
    events = {one["title"]: one for one in list_data("events", **span)}
    world.ids |= {
        "message": message["id"],
        "thread": message["thread_id"],
        "attachment": whole["attachments"][0]["id"],
        "connection": list_data("connections")[0]["id"],
        "primary": primary["id"],
        "team": team["id"],
        "share": list_data("shares")[0]["id"],
    }
    for title, event in events.items():
        world.ids[title] = event["id"]
        world.etags[title] = event["etag"]
