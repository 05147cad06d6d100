"""Pages of support agents, reviewers and operators at the staff site."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from django.test import override_settings
from django.urls import reverse

from accounts import alarms
from accounts.ids import uuid7
from accounts.models import Alarm
from accounts.models.alarm import AlarmKind
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.formats.event_content import Attendee, EventContent, When
from integrations.models import Event, Message, PurgeJob
from integrations.operations import heartbeats, metrics, open_alarms
from integrations.providers.calendars import RemoteEvent
from integrations.purge.overdue_sweep import PurgePromise
from integrations.review import evidence
from integrations.review.messages import guide
from limited_use.evidence import (
    clause_evidence,
    forbidden_use_results,
    forbidden_use_run,
    forbidden_uses,
    stored_bundles,
)
from limited_use.evidence.forbidden_uses import CaseGroup
from limited_use.guard import guard
from limited_use.ledger import entries
from limited_use.models.usage import Gauge, PolicyUse, Refusal
from limited_use.policy.clauses import CLAUSES, get_rules
from limited_use.policy.feature_registry import FEATURES
from limited_use.usage import rule_usage_counter
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.stage import ADDRESS
from tests.contact_sheets.state import Group
from tests.contact_sheets.states.inbox import OLD
from tests.integrations.calendar_house import meeting, moment
from tests.review.conftest import make_run
from tests.staff_site import settings_of
from tests.walls import acting_as

GROUP = Group("staff", "Staff: support access, review, operations")
#: A clause that is a duty of people, and one that events prove.
CLAUSE_KINDS = sorted(
    {
        next(clause.id for clause in CLAUSES.values() if clause.duty),
        next(clause.id for clause in CLAUSES.values() if clause.id in clause_evidence.EVENTS),
    }
)
#: One that software does not enforce at all.
DUTY = next(
    clause.id
    for clause in CLAUSES.values()
    if not (get_rules(clause.id) or clause.code or clause.id in clause_evidence.EVENTS)
    and not clause_evidence.get_fact_rules(clause)
)
STEPS = [step.route for step in guide.STEPS]
OVERVIEWS = [
    "review",
    *STEPS,
    "review-clauses",
    "review-policy",
    "review-refusals",
    "review-evidence",
]


def open_staff_site(stage):
    stage.serve_staff_site()
    return stage.open_desk(Role.REVIEWER, "Rita")


def use_and_run(stage):
    """Use data, refuse uses, run the forbidden uses, make the evidence; return Rita's browser."""
    _use_data(stage)
    _write_results(stage, make_run())
    _run_forbidden_uses(stage)
    _read_item(stage)
    (job,) = rows.disconnect(stage, stage.calendar)
    rows.finish_purge(stage, job)
    _make_evidence(stage)
    return open_staff_site(stage)


def use_and_fail(stage):
    """The same where everything fails: tests, the run, and removals that are late."""
    _use_data(stage)
    rows_of_run = json.loads(make_run())["rows"]
    for row in rows_of_run:
        row["outcome"] = "failed"
    dropped = {"LU-1", "1.1.1", "activity.readers", DUTY}
    kept = [row for row in rows_of_run if row["id"] not in dropped]
    _write_results(stage, make_run(rows=kept, code={"accounts": "of another release"}))
    decide = guard.policy_evaluation.decide_data_use

    def permit_all(use, facts):
        return replace(decide(use, facts), allowed=True)

    stage.patch.setattr(guard.policy_evaluation, "decide_data_use", permit_all)
    _run_forbidden_uses(stage)
    stage.patch.setattr(guard.policy_evaluation, "decide_data_use", decide)
    rows.disconnect(stage, stage.calendar)
    PurgeJob.objects.update(fenced_at=stage.at - timedelta(days=2))
    _make_evidence(stage)
    return open_staff_site(stage)


def _use_data(stage):
    stage.alice.get("/v1/users/me/messages")
    client = cast.campaigns()
    caller = cast.feature(client, cast.switch_on(stage.mail, client), "marketing")
    caller.get("/v1/users/me/messages")


def _write_results(stage, content):
    file = stage.make_folder() / "test-results.json"
    file.write_bytes(content)
    stage.change_settings(TEST_RESULTS=str(file))


def _run_forbidden_uses(stage):
    """Run a few of each group: all of them take seconds, and look the same."""
    listed = forbidden_uses.list_forbidden_uses(forbidden_use_run.list_canary_columns())
    groups = [[case for case in listed if case.group == group][:9] for group in CaseGroup]
    chosen = [case for group in groups for case in group]
    stage.patch.setattr(forbidden_uses, "list_forbidden_uses", lambda _: chosen)
    with acting_as(ProcessClass.PURGE):
        stage.run = forbidden_use_run.run_forbidden_uses(uuid7(), at=stage.at)


def _make_evidence(stage):
    rows.run_sequencer()
    with acting_as(ProcessClass.PURGE):
        rule_usage_counter.count_applied_rules(at=stage.at)
        stored_bundles.make_stored_bundle(evidence.list_sections(), at=stage.at)


@GROUP.states(OVERVIEWS, scene=open_staff_site)
def before_evidence(stage, route):
    return stage.scene.get(reverse(route))


@GROUP.state(scene=open_staff_site)
def no_items(stage):
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-items"))


@GROUP.state(status=403, scene=open_staff_site)
def item_not_open(stage):
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-item", args=[uuid7()]))


@GROUP.states([Role.SUPPORT, Role.REVIEWER, Role.OPERATOR, Role.MEMBER], scene=open_staff_site)
def landing_of(stage, role):
    person = stage.add_person("Kim", role)
    browser = cast.browser(person, mfa=True, at_staff_site=True, recent=True)
    return rows.with_any_status(browser.get("/", follow=True))


@GROUP.states([Role.OPERATOR], status=403, scene=open_staff_site)
def support_page_of(stage, role):
    return stage.open_desk(role, "Otto").get(reverse("support-items"))


@GROUP.states(["support-items", "review"], status=403, scene=open_staff_site)
def page_of_another_role(stage, route):
    return stage.open_desk(Role.OPERATOR, "Otto").get(reverse(route))


@GROUP.state(status=403, scene=open_staff_site)
def page_for_staff_only(stage):
    person = stage.add_person("Kim", Role.SUPPORT)
    browser = cast.browser(person, mfa=True, at_staff_site=True, recent=True)
    return browser.get("/review/")


@GROUP.state(status=403, scene=open_staff_site)
def form_without_second_factor(stage):
    person = stage.add_person("Kim", Role.REVIEWER)
    browser = cast.browser(person, at_staff_site=True, recent=True)
    return browser.post(reverse("review-run-start"))


@GROUP.state(scene=open_staff_site)
def sign_in(stage):
    return stage.visitor_of_staff_site.get("/accounts/login/")


@GROUP.state(scene=open_staff_site)
def second_factor_needed(stage):
    person = stage.add_person("Kim", Role.REVIEWER)
    browser = cast.browser(person, at_staff_site=True, recent=True)
    return browser.get("/review/", follow=True)


@GROUP.state(status=403, scene=open_staff_site)
def event_not_open(stage):
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-event", args=[uuid7()]))


@GROUP.states(["one", "many"])
def items(stage, count):
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    for message in messages[: 1 if count == "one" else 5]:
        _open_item(stage, message)
    for _ in range(0 if count == "one" else 2):
        _open_event(stage, meeting(moment(2), "Review"))
    stage.serve_staff_site()
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-items"))


@GROUP.state()
def item(stage):
    stage.mailbox.deliver(OLD, at=stage.at, thread="old")
    stage.mail.settle()
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    message = messages.order_by("-received_at")[0]
    _open_item(stage, message)
    stage.serve_staff_site()
    browser = stage.open_desk(Role.SUPPORT, "Sam")
    return browser.get(reverse("support-item", args=[message.id]))


@GROUP.states(["full", "series", "empty", "occurrence"])
def event(stage, content):
    guests = (
        Attendee("carol@work.example", "Carol", "accepted", is_organizer=True),
        Attendee("room@work.example", "Room 4", "declined", is_resource=True),
        Attendee("dave@work.example"),
    )
    shown = {
        "full": meeting(
            moment(2),
            "Board of Kestrel",
            location="Main street 4",
            description="<p>See the <b>agenda</b>.</p><p>Bring figures.</p>",
            attendees=guests,
            is_private=True,
            is_busy=False,
            is_tentative=True,
        ),
        "series": meeting(moment(2), "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=3",)),
        "empty": EventContent(start=When(day=stage.at.date()), end=When(day=moment(3).date())),
        "occurrence": meeting(moment(2), "Standup, later"),
    }[content]
    row = _open_event(stage, shown, is_occurrence=content == "occurrence")
    stage.serve_staff_site()
    browser = stage.open_desk(Role.SUPPORT, "Sam")
    return browser.get(reverse("support-event", args=[row.id]))


@GROUP.states(OVERVIEWS, scene=use_and_run)
def with_evidence(stage, route):
    return stage.scene.get(reverse(route))


@GROUP.states(
    ["q=delete", "kept-by=people", "kept-by=software", "kept-by=unmet", "q=zzzz"],
    scene=use_and_run,
)
def clauses_found(stage, query):
    return stage.scene.get(f"{reverse('review-clauses')}?{query}")


@GROUP.state(scene=use_and_run)
def clauses_of_one_document(stage):
    title = next(iter(CLAUSES.values())).source.title
    return stage.scene.get(reverse("review-clauses"), {"source": title})


@GROUP.states(["LU-1", "LU-4", "AN-23", *CLAUSE_KINDS], scene=use_and_run)
def clause(stage, clause_id):
    return stage.scene.get(reverse("review-clause", args=[clause_id]))


@GROUP.state(scene=use_and_run)
def run_of_forbidden_uses(stage):
    return stage.scene.get(reverse("review-run", args=[stage.run.id]))


@GROUP.state(scene=use_and_run)
def run_that_has_just_started(stage):
    return rows.with_any_status(stage.scene.get(reverse("review-run", args=[uuid7()])))


@GROUP.states(["never-market", "owner-reads-own-inbox"], scene=use_and_run)
def entry(stage, rule):
    newest = PolicyUse.objects.get(rule=rule).latest[0]
    return stage.scene.get(reverse("review-entry", args=[newest]))


@GROUP.state(scene=use_and_run)
def entry_of_unmet_condition(stage):
    listed = forbidden_use_results.list_run_entries(stage.run.id)
    entry = next(entry for entry in listed if entry.missing)
    return stage.scene.get(reverse("review-entry", args=[entry.id]))


@GROUP.state(scene=open_staff_site)
def privacy_without_notice(stage):
    stage.change_settings(PRIVACY_NOTICE_URL="")
    return stage.scene.get(reverse("review-privacy"))


@GROUP.state(scene=use_and_run)
def refusals_of_before(stage):
    before = (stage.at + timedelta(days=1)).isoformat()
    return stage.scene.get(reverse("review-refusals"), {"before": before})


@GROUP.states(OVERVIEWS, scene=use_and_fail)
def failing(stage, route):
    return stage.scene.get(reverse(route))


@GROUP.state(scene=use_and_fail)
def forbidden_uses_that_were_permitted(stage):
    return stage.scene.get(reverse("review-run", args=[stage.run.id]))


@GROUP.states(["LU-1", "LU-4", DUTY], scene=use_and_fail)
def failing_clause(stage, clause_id):
    return stage.scene.get(reverse("review-clause", args=[clause_id]))


@GROUP.state(scene=use_and_fail)
def entry_without_proof(stage):
    entry_id = entries.record_ledger_event(
        event="integration.connected", about=stage.mail.integration.id, at=stage.at
    )
    return stage.scene.get(reverse("review-entry", args=[entry_id]))


@GROUP.state(scene=use_and_fail)
def entry_of_a_run(stage):
    entry = forbidden_use_results.list_run_entries(stage.run.id)[-1]
    return stage.scene.get(reverse("review-entry", args=[entry.id]))


@GROUP.state(scene=use_and_fail)
def many_refusals(stage):
    row = Refusal.objects.latest("at")
    for number in range(60):
        at, feature = stage.at - timedelta(seconds=number), row.feature if number % 2 else ""
        Refusal.objects.create(**{**_copy(row), "at": at, "feature": feature})
    return stage.scene.get(reverse("review-refusals"))


def _copy(row):
    names = [field.name for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names} | {row._meta.pk.name: uuid7()}


def _read_item(stage):
    message = Message.objects.filter(integration_id=stage.mail.integration.id)[0]
    _open_item(stage, message)
    with override_settings(**settings_of(ProcessClass.STAFF)):
        browser = stage.open_desk(Role.SUPPORT, "Sam")
        assert browser.get(reverse("support-item", args=[message.id])).status_code == 200


def _open_event(stage, content, *, is_occurrence=False):
    before = set(Event.objects.values_list("id", flat=True))
    stage.calendars.write(
        ADDRESS,
        RemoteEvent(
            event_id=uuid7().hex,
            etag="",
            ical_uid="opened",
            sequence=1,
            content=content,
            has_more_attendees=bool(content.attendees),
            series_id="elsewhere" if is_occurrence else "",
            original_start=content.start if is_occurrence else None,
        ),
    )
    stage.calendar.sync(at=stage.at)
    row = Event.objects.exclude(id__in=before).get()
    rows.open_to_support(stage.alice, reverse("calendar-support", args=[row.id]))
    return row


def _open_item(stage, message):
    form = {"agree": "yes", "hours": "24", "version": FEATURES["support"].version}
    response = stage.alice.post(reverse("inbox-support", args=[message.id]), form)
    assert response.status_code == 302


def open_operations(stage):
    """Return an operator's browser; the figures are measured when a state asks for it."""
    stage.serve_staff_site()
    return stage.open_desk(Role.OPERATOR, "Otto")


def _measure(stage, *, minutes_ago=0):
    with acting_as(ProcessClass.PURGE):
        metrics.measure_metrics(at=stage.at - timedelta(minutes=minutes_ago))


def _raise_alarms(stage):
    for kind, days, count in (("purge.overdue", 2, 1), ("refusals.burst", 1, 3)):
        for number in range(count):
            alarms.raise_alarm(
                kind=kind,
                about=uuid7(),
                window=str(number),
                body={"count": 31 + number, "feature": "campaigns"},
                at=stage.at - timedelta(days=days, minutes=number),
            )
    about, at = uuid7(), stage.at
    for quiet_since in (at - timedelta(days=3), at, at):
        alarms.raise_alarm(
            kind="refusals.burst", about=about, window="writer", body={}, at=quiet_since
        )
        with acting_as(ProcessClass.PURGE):
            open_alarms.settle_quiet_alarms(at=at)


@GROUP.states(["none", "several"], scene=open_operations)
def operations_with_alarms(stage, count):
    heartbeats.record_heartbeats(["beat", "purge", "sync"], at=stage.at)
    if count == "several":
        _raise_alarms(stage)
    _measure(stage)
    return stage.scene.get(reverse("operations"))


@GROUP.state(*PurgePromise, *AlarmKind, scene=open_operations)
def operations_in_trouble(stage):
    """Late removals, silent processes, more alarms than the page shows, and old figures."""
    rows.disconnect(stage, stage.calendar)
    PurgeJob.objects.update(fenced_at=stage.at - timedelta(days=3))
    heartbeats.record_heartbeats(["purge"], at=stage.at)
    heartbeats.record_heartbeats(["sync"], at=stage.at - timedelta(hours=2))
    for number in range(25):
        for kind in AlarmKind if number < 2 else ("provider.unexpected",):
            alarms.raise_alarm(
                kind=kind, about=uuid7(), window=str(number), body={"status": 500}, at=stage.at
            )
    _measure(stage, minutes_ago=9)
    return stage.scene.get(reverse("operations"))


@GROUP.state(scene=open_operations)
def operations_without_figures(stage):
    return stage.scene.get(reverse("operations"))


@GROUP.state(scene=open_operations)
def operations_without_connections(stage):
    _measure(stage)
    Gauge.objects.filter(name="antares_connections").delete()
    return stage.scene.get(reverse("operations"))


@GROUP.state(status=400, scene=open_operations)
def alarm_without_reason(stage):
    _raise_alarms(stage)
    _measure(stage)
    alarm = Alarm.objects.open().filter(kind="refusals.burst").latest("raised_at")
    form = {"reason": "x" * 201}
    return stage.scene.post(reverse("operations-alarm-settle", args=[alarm.id]), form)


@GROUP.states(["now", "before"], scene=open_operations)
def alarm_settled(stage, when):
    _raise_alarms(stage)
    _measure(stage)
    alarm = Alarm.objects.open().get(kind="purge.overdue")
    if when == "before":
        alarms.settle_alarm(alarm.id, reason="the worker was started", at=stage.at)
    url = reverse("operations-alarm-settle", args=[alarm.id])
    return stage.scene.post(url, {"reason": "the worker was started"}, follow=True)
