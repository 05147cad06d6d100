"""Rows that several states make."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from unittest.mock import Mock

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from django.utils.html import escape

from accounts.ids import uuid7
from accounts.models import User
from config.process_classes import ProcessClass
from integrations import purge
from integrations.access import scopes
from integrations.formats.event_content import EventContent
from integrations.models import (
    Calendar,
    FeatureRead,
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    SetAside,
    StatusReason,
)
from integrations.providers import PROVIDERS, oauth_client
from integrations.providers.calendars import RemoteCalendar
from integrations.providers.oauth_client import GrantRevocationResult
from integrations.purge import row_deletion
from limited_use.agreements import consents, shares
from limited_use.ledger import ledger_sequencer
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys, sealing
from tests import factories
from tests.api import cast
from tests.contact_sheets.stage import ZONE, Stage, add_calendars
from tests.fakes.calendars import FakeCalendarAdapter, FakeCalendars
from tests.integrations.calendar import local_house
from tests.integrations.calendar_house import NOW, CalendarHouse, moment
from tests.walls import acting_as

SHARING_VERSION = FEATURES["calendar-sharing"].version


def browser(user: User) -> Client:
    return cast.browser(user, recent=True)


def google() -> Any:
    return settings.GOOGLE


def microsoft() -> Any:
    return settings.MICROSOFT


def offer_microsoft(stage: Stage) -> None:
    """Register the service at Microsoft, as the demo does."""
    if not settings.MICROSOFT.client_id:
        stage.change_settings(
            MICROSOFT=replace(settings.MICROSOFT, client_id="sandbox", client_secret="sandbox")
        )


def set_status(house: Any, status: IntegrationStatus, reason: str = StatusReason.NONE) -> None:
    Integration.objects.filter(id=house.integration.id).update(
        status=status, status_reason=reason, status_since=timezone.now()
    )


def connect_google(stage: Stage, *products: str, email: str, user: User | None = None) -> Any:
    return _connect(stage, "google", products, email, user)


def connect_microsoft(
    stage: Stage, *products: str, email: str = "alice@contoso.example", user: User | None = None
) -> Any:
    offer_microsoft(stage)
    return _connect(stage, "microsoft", products, email, user)


def _connect(
    stage: Stage, provider: str, products: Iterable[str], email: str, user: User | None
) -> Any:
    granted = {"openid", "email"}
    for product in products:
        granted |= scopes.get_product_scopes(PROVIDERS[provider], product)
    connection = factories.make_connection(
        user or stage.user,
        stage.organisation,
        provider=provider,
        email=email,
        scopes=sorted(granted),
    )
    for product in products:
        factories.make_integration(connection, product=product, consent=False)
    return connection


def connect_outlook(stage: Stage, *events: EventContent, conference: Any = None) -> CalendarHouse:
    """Return calendars of Alice's at Microsoft, two of them, with these events."""
    account = FakeCalendars("alice@contoso.example")
    account.calendars["Projects"] = RemoteCalendar("Projects", "Projects", ZONE, "owner")
    account.events["Projects"], account.versions["Projects"] = {}, {}
    for content in events:
        stored = account.events[account.email][account.put(content)]
        account.write(account.email, replace(stored, conference=conference))

    @contextmanager
    def open_fake(access: Any) -> Any:
        access.token()
        yield FakeCalendarAdapter(account, access)

    outlook = replace(PROVIDERS["microsoft"], open_calendars=open_fake)
    stage.patch.setitem(PROVIDERS, "microsoft", outlook)
    connection = connect_microsoft(stage)
    house = add_calendars(replace(stage.mail, connection=connection))
    house.sync(at=timezone.now())
    return house


def create_calendar(stage: Stage, name: str) -> Calendar:
    """Return a new Antares calendar of Alice's."""
    return Calendar.objects.get(id=local_house.create_local_calendar(stage.mail.actor, name))


def quarantine(stage: Stage, reason: str, *, next_try_at: datetime | None = None) -> None:
    at, integration = timezone.now(), stage.mail.integration
    row = SetAside(
        integration=integration,
        remote_blind=uuid7().bytes * 2,
        reason=reason,
        first_seen_at=at,
        last_tried_at=at,
        next_try_at=next_try_at,
    )
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    row.remote_id = sealer.seal_value(SetAside, "remote_id", row=row.id, data=b"remote")
    row.save(force_insert=True)


def stop_key_store(stage: Stage) -> None:
    """Take the keys away, also from memory, until the end of the state."""
    folder = settings.KEYRING.folder
    away = folder.rename(folder.with_name("away"))
    stage.stack.callback(away.rename, folder)
    data_keys.drop_cached_keys()


def reword(stage: Stage, key: str) -> None:
    """Change the description of a feature, so that it needs a new agreement."""
    feature = replace(FEATURES[key], version=FEATURES[key].version + 1)
    stage.patch.setitem(FEATURES, key, feature)


def disconnect(
    stage: Stage, *houses: Any, trigger: PurgeTrigger = PurgeTrigger.OWNER
) -> list[PurgeJob]:
    return disconnect_integrations(stage, *(house.integration for house in houses), trigger=trigger)


def disconnect_integrations(
    stage: Stage, *integrations: Integration, trigger: PurgeTrigger = PurgeTrigger.OWNER
) -> list[PurgeJob]:
    fresh = Integration.objects.select_related("connection")
    with transaction.atomic():
        return [
            purge.open_purge_job(
                integration=fresh.get(id=integration.id), trigger=trigger, at=timezone.now()
            )
            for integration in integrations
        ]


def note_reads(stage: Stage, integration: Integration, features: Sequence[str]) -> None:
    """Have these features read the integration."""
    for feature in features:
        FeatureRead.objects.create(
            integration=integration,
            user_id=integration.connection.user_id,
            organisation_id=integration.connection.organisation_id,
            feature=feature,
            delegation_id=uuid7(),
            first_read_at=stage.at,
            last_read_at=stage.at,
        )


def finish_purge(stage: Stage, *jobs: PurgeJob) -> None:
    """Run these purges until there are receipts; Google confirms that the access ended."""
    confirmed = GrantRevocationResult.CONFIRMED
    stage.patch.setattr(oauth_client, "revoke_token", lambda *_, **__: confirmed)
    # A state is one transaction; the batches of a deletion are several.
    stage.patch.setattr(row_deletion, "connection", Mock(wraps=connection))
    row_deletion.connection.get_autocommit.return_value = True
    row_deletion.connection.get_autocommit.side_effect = None
    row_deletion.connection.get_autocommit._mock_wraps = None
    for _ in range(200):
        waiting = [job for job in jobs if _read_step(job) != PurgeStep.DONE]
        if not waiting:
            return
        job = min(waiting, key=lambda waiting_job: waiting_job.next_try_at)
        with acting_as(ProcessClass.PURGE):
            purge.run_purge(job_id=job.id, now=partial(max, timezone.now(), job.next_try_at))
    raise AssertionError("the purge does not end")


def rotate_keys(stage: Stage) -> None:
    """End the epochs of all keys, as the schedule does within a day; in a copy of the keyring."""
    folder = shutil.copytree(settings.KEYRING.folder, stage.make_folder() / "keyring")
    stage.stack.callback(data_keys.drop_cached_keys)
    stage.change_settings(KEYRING=replace(settings.KEYRING, folder=folder))
    data_keys.drop_cached_keys()
    for line in KeyLine:
        key_epochs.rotate_key_epoch(line, timezone.now())
    run_sequencer()


def share(stage: Stage, calendar: Calendar, level: ShareLevel) -> None:
    """Share a calendar of Alice's with Bob."""
    with transaction.atomic():
        consents.give(
            person_id=stage.user.id,
            organisation_id=stage.organisation.id,
            feature="calendar-sharing",
            version=SHARING_VERSION,
            at=timezone.now(),
        )
        shares.give(
            person_id=stage.user.id,
            organisation_id=stage.organisation.id,
            viewer_id=stage.bob.user_id,
            item=calendar.id,
            level=level,
            address=User.objects.get(id=stage.bob.user_id).email,
            at=timezone.now(),
        )


def write_event(stage: Stage, calendar: Calendar, title: str) -> None:
    """Write an event into an Antares calendar of Alice's."""
    content = local_house.event(title, moment(2, 17))
    event_input = local_house.make_local_input(f"{uuid7()}@antares.example", content)
    local_house.write_events(stage.mail.actor, calendar.id, event_input)


def _read_step(job: PurgeJob) -> str:
    job.refresh_from_db()
    return job.step


def run_sequencer() -> None:
    with acting_as(ProcessClass.PURGE):
        ledger_sequencer.run_sequencer(timezone.now())


def agree(user: User, organisation: Any, feature: str) -> None:
    with transaction.atomic():
        consents.give(
            person_id=user.id,
            organisation_id=organisation.id,
            feature=feature,
            version=FEATURES[feature].version,
            at=timezone.now(),
        )


def find_event(browser: Client, title: str) -> str:
    """Return the address of the first event with that title in the agenda."""
    # The first events are of today in UTC: before midnight there, the owner's day may be the next.
    query = {"view": "agenda", "day": f"{NOW:%Y-%m-%d}"}
    page = browser.get("/calendar/", query).content.decode()
    entries = re.findall(r'<a class="entry[^"]*" href="([^"?]+)[^"]*"(.*?)</a>', page, re.DOTALL)
    return next(address for address, text in entries if title in text)


def open_to_support(browser: Client, address: str) -> HttpResponse:
    """Send the form with that address; return the page that it leads to."""
    version = FEATURES["support"].version
    form = {"agree": "yes", "hours": "24", "version": version}
    response = browser.post(address, form, follow=True)
    assert response.redirect_chain, "the form was refused"
    return response


def read_version(browser: Client, address: str) -> str:
    page = browser.get(address).content.decode()
    return re.search(r'name="version" value="([0-9a-f]+)"', page)[1]


def with_any_status(response: Any) -> Any:
    """Return the response of a form that was refused, whose status says why."""
    response.is_any_status = True
    return response


def as_answer(stage: Stage, response: HttpResponse, path: str = "/") -> HttpResponse:
    """Return a response that no client asked for, as if one had."""
    response.wsgi_request = RequestFactory().get(path)
    response.wsgi_request.resolver_match = None
    response.client = stage.visitor
    return response


def show_mail(stage: Stage, message: EmailMessage) -> HttpResponse:
    """Return a page with a mail's head and its text."""
    head = f"To: {', '.join(message.to)}\nSubject: {message.subject}"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"></head><body><main>'
        f'<h1>Mail</h1><p style="white-space: pre-wrap">{escape(head)}</p>'
        f'<p style="white-space: pre-wrap; overflow-wrap: anywhere">{escape(message.body)}</p>'
        "</main></body></html>"
    )
    return as_answer(stage, HttpResponse(page))
