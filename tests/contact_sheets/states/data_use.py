"""Access, Activity, and agreements to features."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.urls import reverse

from accounts.actors import ActorKind
from accounts.ids import uuid7
from integrations.settings.data_use.feature_status import FeatureState
from limited_use.agreements import consents
from limited_use.ledger import entries
from limited_use.models import Consent
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.feature_registry import FEATURES, Keeps
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from tests import past_entries
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("data-use", "Data access and activity")
ACCESS, ACTIVITY, ENTRIES = (
    "/settings/access/",
    "/settings/activity/",
    "/settings/activity/entries/",
)
V1 = "/v1/users/me"


def use_for_weeks(stage):
    """Write what happens in three weeks: reading, syncing, a feature, and refusals."""
    subject, actor = stage.mail.integration.id, stage.user.id
    client = cast.widget()
    for day in range(21):
        at = stage.at - timedelta(days=day, hours=2)
        past_entries.write_sync(subject, at)
        for hour in range(3):
            past_entries.write_use(subject, actor, at - timedelta(hours=hour), count=7)
        if day % 4 == 0:
            past_entries.write_widget_use(subject, client.id, at)
        if day % 9 == 0:
            past_entries.write_use(
                subject,
                client.id,
                at,
                outcome="refused",
                kind=ActorKind.CLIENT,
                purpose=Purpose.MARKETING,
                recipient=Recipient.PLATFORM_FEATURE,
                feature="campaigns",
                rule="never-market",
                count=None,
            )
    rows.run_sequencer()


@GROUP.state(FeatureState.ON, FeatureState.OFF, FeatureState.EACH_TIME, FeatureState.USES_NOTHING)
def access(stage):
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_with_nothing_connected(stage):
    return stage.add_newcomer().get(ACCESS)


@GROUP.state(FeatureState.AGAIN)
def access_after_changes(stage):
    for key in FEATURES:
        if FEATURES[key].purposes:
            rows.reword(stage, key)
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_with_everything_on(stage):
    cast.switch_on(stage.mail, cast.widget())
    made = rows.create_calendar(stage, "Choir")
    for calendar, level in ((stage.calendar.primary, ShareLevel.DETAILS), (made, "freebusy")):
        rows.share(stage, calendar, level)
    _open_item(stage)
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_switched_on_and_changed(stage):
    cast.switch_on(stage.mail, cast.widget())
    rows.reword(stage, "inbox-widget")
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_with_ends(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    Share.objects.update(expires_at=stage.at + timedelta(days=3))
    Consent.objects.filter(feature="inbox").update(expires_at=stage.at + timedelta(days=30))
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_with_one_export(stage):
    """An agreement about one item that is no message."""
    with transaction.atomic():
        consents.give(
            person_id=stage.user.id,
            organisation_id=stage.organisation.id,
            feature="export",
            version=FEATURES["export"].version,
            item=uuid7(),
            at=stage.at,
            expires_at=stage.at + timedelta(hours=1),
        )
    return stage.alice.get(ACCESS)


@GROUP.state()
def access_of_bob_with_end(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.FREEBUSY)
    Share.objects.update(expires_at=stage.at + timedelta(days=3))
    return stage.bobs_browser.get(ACCESS)


@GROUP.state()
def access_of_bob(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.FREEBUSY)
    return stage.bobs_browser.get(ACCESS)


@GROUP.state()
def access_after_withdrawing(stage):
    cast.switch_on(stage.mail, cast.widget())
    with transaction.atomic():
        consents.withdraw(
            person_id=stage.user.id,
            organisation_id=stage.organisation.id,
            feature="calendar-editing",
            at=stage.at,
        )
    return stage.alice.get(ACCESS)


@GROUP.states(["inbox-widget"])
def switch_on(stage, feature):
    return stage.alice.get(reverse("settings-feature", args=[feature]))


@GROUP.state()
def switch_on_without_agreement(stage):
    return stage.alice.post(reverse("settings-feature", args=["inbox-widget"]), {}, follow=True)


@GROUP.state()
def switched_on(stage):
    address = reverse("settings-feature", args=["inbox-widget"])
    return stage.alice.post(address, {"switch": "on", **cast.SWITCH_ON}, follow=True)


@GROUP.states(["inbox", "local-calendar", "calendar"])
def feature_page(stage, feature):
    browser = stage.alice if feature == "inbox" else stage.add_newcomer()
    return browser.get(reverse("settings-feature", args=[feature]))


@GROUP.states(["inbox", "calendar", "calendar-editing"])
def agree_again(stage, feature):
    rows.reword(stage, feature)
    return stage.alice.get(reverse("settings-feature", args=[feature]))


@GROUP.state()
def activity_of_nobody(stage):
    return stage.add_newcomer().get(ACTIVITY)


@GROUP.state()
def activity_of_first_day(stage):
    return stage.alice.get(ACTIVITY)


@GROUP.state(scene=use_for_weeks)
def activity(stage):
    return stage.alice.get(ACTIVITY)


@GROUP.states(["outcome=refused", "by=none", "since=2031-01-01"], scene=use_for_weeks)
def activity_filtered(stage, query):
    return stage.alice.get(f"{ACTIVITY}?{query}")


@GROUP.state(scene=use_for_weeks)
def activity_older(stage):
    before = f"{stage.at - timedelta(days=9):%Y-%m-%d}"
    return stage.alice.get(ACTIVITY, {"before": before})


@GROUP.state(scene=use_for_weeks)
def activity_older_and_filtered(stage):
    before = f"{stage.at - timedelta(days=9):%Y-%m-%d}"
    return stage.alice.get(ACTIVITY, {"before": before, "outcome": "refused"})


@GROUP.state()
def activity_with_calendar(stage):
    stage.alice.get("/calendar/")
    return stage.alice.get(ACTIVITY)


@GROUP.state(scene=use_for_weeks)
def activity_with_errors(stage):
    return stage.alice.get(ACTIVITY, {"since": "never", "until": "2020-99-99", "by": "x"})


@GROUP.state(scene=use_for_weeks)
def list_of_entries(stage):
    return stage.alice.get(ENTRIES)


@GROUP.states(["outcome=refused", "by=none", "since=2031-01-01"], scene=use_for_weeks)
def list_filtered(stage, query):
    return stage.alice.get(f"{ENTRIES}?{query}")


@GROUP.states(["", "outcome=permitted&"], scene=use_for_weeks)
def list_older(stage, query):
    page = stage.alice.get(f"{ENTRIES}?{query}").content.decode()
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    return stage.alice.get(older.replace("&amp;", "&"))


@GROUP.state()
def list_before_proofs(stage):
    stage.alice.get("/inbox/")
    return stage.alice.get(ENTRIES)


@GROUP.state(scene=use_for_weeks)
def activity_of_removed_account(stage):
    (job,) = rows.disconnect(stage, stage.mail)
    rows.finish_purge(stage, job)
    return stage.alice.get(ACTIVITY)


@GROUP.state(status=409)
def proof_not_ready(stage):
    entry = entries.record_ledger_event(
        event="integration.connected", about=stage.mail.integration.id, at=stage.at
    )
    return stage.alice.get(reverse("settings-activity-proof", args=[entry]))


def _open_item(stage):
    with transaction.atomic():
        consents.give(
            person_id=stage.user.id,
            organisation_id=stage.organisation.id,
            feature="support",
            version=FEATURES["support"].version,
            item=uuid7(),
            at=stage.at,
            expires_at=stage.at + timedelta(hours=1),
        )


@GROUP.states(Keeps)
def feature_that_keeps(stage, keeps):
    """None of today's features keeps copies."""
    feature = replace(FEATURES["inbox-widget"], keeps=keeps)
    stage.patch.setitem(FEATURES, "inbox-widget", feature)
    return stage.alice.get(reverse("settings-feature", args=["inbox-widget"]))
