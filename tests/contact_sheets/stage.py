"""The people and rows that the states start from: Alice with mail and calendars, her colleagues."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, override_settings
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organisation, User
from accounts.roles import Role
from config.embedded.demo_mail import mailboxes as demo_mail
from config.process_classes import ProcessClass
from integrations import providers
from integrations.access import scopes
from integrations.calendar import refresh_on_read
from integrations.connections.products import FIRST_WORK
from integrations.formats.event_content import Attendee, Reminder
from integrations.models import Integration, SyncWork
from integrations.providers.calendars import RemoteCalendar
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from tests.api import cast
from tests.fakes.calendars import FakeCalendars
from tests.fakes.mail import FakeMailbox
from tests.integrations import calendar_house, household
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import CalendarHouse, meeting, moment
from tests.integrations.household import Household
from tests.staff_site import settings_of
from tests.walls import AT_STAFF_SITE

ADDRESS = "alice@antares.example"
ZONE = "Europe/Berlin"
# Messages that Alice's mailbox holds, the newest of the demo.
MESSAGE_COUNT = 14
_SESSION_SECONDS = 60


@dataclass
class Stage:
    """
    The prepared rows. Changes that a state makes end with it; see `open_state`.

    :param mail: Alice's connection with its mail integration
    :param calendar: the same connection with its calendar integration
    :param scene: result of the function that made rows for several states
    """

    mail: Household
    calendar: CalendarHouse
    mailbox: FakeMailbox
    calendars: FakeCalendars
    bob: Actor
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)
    stack: ExitStack = field(default_factory=ExitStack)
    scene: Any = None
    run: Any = None
    _browser: Client = field(default_factory=Client)
    _depth: int = 0
    _signed_in_at: float = float("-inf")

    @property
    def at(self) -> datetime:
        return timezone.now()

    @property
    def user(self) -> User:
        """Alice, read again: another state may have changed an object."""
        return User.objects.get(id=self.mail.user.id)

    @property
    def organisation(self) -> Organisation:
        return self.mail.organisation

    @property
    def alice(self) -> Client:
        """Another window of Alice's browser; she confirmed a moment ago that it is her."""
        window = Client()
        window.cookies = copy.deepcopy(self._browser.cookies)
        return window

    @property
    def bobs_browser(self) -> Client:
        return cast.browser(User.objects.get(id=self.bob.user_id), recent=True)

    @property
    def visitor(self) -> Client:
        """A browser without a session."""
        return Client()

    def add_person(self, name: str, role: Role = Role.MEMBER) -> User:
        user, *_ = household.person(name.lower(), self.organisation, at=self.at)
        return _introduce(user, name, role)

    def add_newcomer(self) -> Client:
        """Return the browser of a person who connected nothing."""
        return cast.browser(self.add_person("Nora"), recent=True)

    def open_desk(self, role: Role, name: str) -> Client:
        """Return the staff site's browser of a new member of staff, with a second factor."""
        person = self.add_person(name, role)
        return cast.browser(person, mfa=True, at_staff_site=True, recent=True)

    @property
    def visitor_of_staff_site(self) -> Client:
        return Client(**{AT_STAFF_SITE: True})

    def serve_staff_site(self) -> None:
        self.change_settings(**settings_of(ProcessClass.STAFF))

    def make_folder(self) -> Path:
        return Path(self.stack.enter_context(TemporaryDirectory(prefix="antares-state-")))

    def change_settings(self, **values: Any) -> None:
        self.stack.enter_context(override_settings(**values))

    def _renew_session(self) -> None:
        """Sign Alice in again from time to time: a confirmation is good for minutes."""
        if time.monotonic() - self._signed_in_at > _SESSION_SECONDS:
            self._browser = cast.browser(self.user, recent=True)
            self._signed_in_at = time.monotonic()

    @contextmanager
    def open_state(self) -> Iterator[Stage]:
        """Undo all changes of rows, provider accounts, settings and attributes at the end."""
        if not self._depth:
            # The session stays for later states.
            self._renew_session()
        self._depth += 1
        before, outer = transaction.savepoint(), (self.patch, self.stack)
        accounts = [(fake, _copy_fields(fake)) for fake in (self.mailbox, self.calendars)]
        self.patch, self.stack = pytest.MonkeyPatch(), ExitStack()
        try:
            with self.stack:
                # Checkpoints of another state would be a fork of the ledger.
                self._keep_checkpoints_apart()
                yield self
        finally:
            self.patch.undo()
            self.patch, self.stack = outer
            self._depth -= 1
            for fake, values in accounts:
                for name, value in values.items():
                    setattr(fake, name, value)
            connection.needs_rollback = False
            transaction.savepoint_rollback(before)

    def _keep_checkpoints_apart(self) -> None:
        folder = self.make_folder()
        if (published := Path(settings.LEDGER_CHECKPOINTS)).exists():
            shutil.copy(published, folder / "checkpoints.jsonl")
        self.change_settings(LEDGER_CHECKPOINTS=folder / "checkpoints.jsonl")


@contextmanager
def set_stage() -> Iterator[Stage]:
    """Make the rows; needs a transaction and a keyring."""
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(**settings_of(ProcessClass.WEB)),
    ):
        # No worker answers.
        patch.setattr(refresh_on_read, "PATIENCE_SECONDS", 0.0)
        patch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})
        at = timezone.now()
        mailbox = household.provided(patch, FakeMailbox(email=ADDRESS))
        calendars = calendar_house.provided(patch, FakeCalendars(ADDRESS))
        mail = household.household(
            at=at, who=household.person("alice", at=at), features=("inbox", "calendar")
        )
        Organisation.objects.filter(id=mail.organisation.id).update(name="Kestrel & Sons")
        _introduce(mail.user, "Alice Adler", Role.MEMBER, email=ADDRESS)
        calendar = add_calendars(mail)
        _fill_mailbox(mailbox, at)
        _fill_calendars(calendars)
        mail.settle()
        calendar.sync(at=timezone.now())
        bob = household.person("bob", mail.organisation, at=at)
        _introduce(bob[0], "Bob Brandt", Role.MEMBER, email="bob@antares.example")
        yield Stage(mail.read_again(), calendar, mailbox, calendars, actor_of(*bob))


def _copy_fields(fake: FakeMailbox | FakeCalendars) -> dict[str, Any]:
    return {item.name: copy.deepcopy(getattr(fake, item.name)) for item in fields(fake)}


def _introduce(user: User, name: str, role: Role, *, email: str = "") -> User:
    email = email or f"{name.lower().split()[0]}@antares.example"
    User.objects.filter(id=user.id).update(name=name, email=email, role=role, time_zone=ZONE)
    user.refresh_from_db()
    cast.verified(user)
    return user


def add_calendars(mail: Household) -> CalendarHouse:
    """Connect the calendars of the household's account."""
    account, at = mail.connection, mail.at
    provider = providers.PROVIDERS[account.provider]
    granted = {"openid", "email"} | scopes.get_product_scopes(provider, "mail")
    granted |= scopes.get_product_scopes(provider, "calendar")
    account.asked_scopes = account.granted_scopes = sorted(granted)
    account.save(update_fields=["asked_scopes", "granted_scopes"])
    integration = Integration.objects.create(
        connection=account, product="calendar", status_since=at, switched_on_at=at
    )
    data_keys.create_data_key(
        holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch
    )
    consents.give(
        person_id=mail.user.id,
        organisation_id=mail.organisation.id,
        feature="calendar-editing",
        version=FEATURES["calendar-editing"].version,
        at=at,
    )
    SyncWork.objects.create(
        integration=integration, resource=FIRST_WORK["calendar"], next_sync_at=at
    )
    return CalendarHouse(
        Household(mail.user, mail.organisation, mail.membership, account, integration, at)
    )


def _fill_mailbox(mailbox: FakeMailbox, at: datetime) -> None:
    written = demo_mail.DemoMail(at).write_mail("contracts", "team", "support", "money", "travel")
    own = [message for message in written if message.message.involves("alice")]
    for message in own[-MESSAGE_COUNT:]:
        is_sent = message.message.sender.key == "alice"
        mailbox.deliver(
            message.raw,
            at=message.at,
            thread=message.conversation.key,
            label_ids=("SENT",) if is_sent else ("INBOX", "UNREAD"),
        )


def _fill_calendars(calendars: FakeCalendars) -> None:
    family = calendars.add("Family")
    calendars.calendars[family] = RemoteCalendar(family, "Family", ZONE, "owner")
    guests = (
        Attendee(ADDRESS, "Alice Adler", "accepted", is_self=True),
        Attendee("bob@antares.example", "Bob Brandt", "tentative"),
        Attendee("carol@antares.example", "Carol Chen", "declined", is_optional=True),
    )
    calendars.put(meeting(moment(1, 13), "Plan for the next quarter", attendees=guests))
    calendars.put(
        meeting(
            moment(2, 9),
            "Framework agreement with Nadia",
            location="Room Kestrel",
            description="Bring the draft of the contract.",
            attendees=guests,
            reminders=(Reminder(10),),
        ),
        organizer="nadia@workshop.example",
    )
    calendars.put(meeting(moment(3, 15), "Team lunch", hours=1.5), calendar=family)
    calendars.put(meeting(moment(4, 10), "Dentist", is_private=True))
