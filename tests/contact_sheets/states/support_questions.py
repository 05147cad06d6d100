"""Support as the person sees it, and questions about single items, on both sites."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

from django.urls import reverse
from django.utils import timezone

from accounts.ids import uuid7
from accounts.roles import Role
from integrations.calendar import support_access as calendar_support_access
from integrations.mail import support_access as mail_support_access
from integrations.models import (
    Calendar,
    Event,
    EventKind,
    ItemKind,
    LookupMeans,
    Message,
    PurgeJob,
    QuestionState,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportCode,
    SupportLookup,
    SupportQuestion,
    SupportReason,
)
from integrations.providers.calendars import RemoteEvent
from integrations.support import questions
from limited_use.policy.feature_registry import FEATURES
from tests import factories
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.stage import ADDRESS
from tests.contact_sheets.state import Group
from tests.integrations.calendar_house import meeting, moment

GROUP = Group("support", "Support: the person's pages, questions")
PAGE = "/settings/support/"
TEXT = (
    "Please open the newest invoice of your power company. Its text is empty in Antares, and I"
    " want to see how the provider wrote it."
)
LONG = "<b>Open</b> https://evil.example/ " + "x" * 400


def _make_lookup(stage, *, agent_id=None, means=LookupMeans.CODE, reason=SupportReason.OTHER):
    at = timezone.now()
    return SupportLookup.objects.create(
        search_id=uuid7(),
        agent_id=agent_id or uuid7(),
        means=means,
        user=stage.user,
        reason=reason,
        ticket="T-4711",
        opened_at=at,
        expires_at=at + timedelta(minutes=30),
    )


def _make_question(stage, *, agent_id=None, state=QuestionState.WAITING, **values):
    lookup = _make_lookup(stage, agent_id=agent_id)
    at = timezone.now()
    chosen = {
        "kind": ItemKind.MESSAGE,
        "reason": SupportReason.SYNC_PROBLEM,
        "text": TEXT,
        "ticket": "T-4711",
        "answered_at": None if state == QuestionState.WAITING else at,
        **values,
    }
    return SupportQuestion.objects.create(
        lookup=lookup,
        agent_id=lookup.agent_id,
        user=stage.user,
        state=state,
        asked_at=at,
        expires_at=at + timedelta(days=7),
        **chosen,
    )


def _get_question(stage, question):
    return stage.alice.get(reverse("settings-support-question", args=[question.id]))


def _get_message(stage):
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    return messages.order_by("-received_at")[0]


def _answer_path(question, message):
    return reverse("settings-support-answer", args=[question.id, message.id])


def _allow(stage, question, **changes):
    form = {"agree": "yes", "hours": "24", "version": FEATURES["support"].version, **changes}
    path = _answer_path(question, _get_message(stage))
    return stage.alice.post(path, form, follow=True)


def _read(stage, agent):
    """Read the opened message as the agent who asked, and return to the person's site."""
    from django.test import override_settings

    from config.process_classes import ProcessClass
    from tests.staff_site import settings_of

    with override_settings(**settings_of(ProcessClass.STAFF)):
        browser = cast.browser(agent, mfa=True, at_staff_site=True, recent=True)
        path = reverse("support-item", args=[_get_message(stage).id])
        assert browser.get(path).status_code == 200


@GROUP.state()
def open_in_another_organisation(stage):
    question = _make_question(stage)
    _allow(stage, question)
    # The person acts in the organisation that they joined first.
    first = factories.make_organisation("First Ltd")
    joined_at = factories.EPOCH - timedelta(days=1)
    factories.make_membership(stage.user, first, joined_at=joined_at)
    path = reverse("settings-support-question", args=[question.id])
    return cast.browser(stage.user).get(path)


@GROUP.state()
def nothing_yet(stage):
    return stage.alice.get(PAGE)


@GROUP.state()
def new_code(stage):
    return stage.alice.post(PAGE)


@GROUP.state()
def too_many_codes(stage):
    for _ in range(10):
        stage.alice.post(PAGE)
    return stage.alice.post(PAGE, follow=True)


@GROUP.state()
def everything(stage):
    at = timezone.now()
    for number, means in enumerate(LookupMeans):
        _make_lookup(stage, means=means, reason=list(SupportReason)[number])
    for number, (used_at, made_at) in enumerate(
        ((at, at), (None, at), (None, at - timedelta(days=1)))
    ):
        SupportCode.objects.create(
            user=stage.user,
            code_hash=bytes([number]) * 32,
            made_at=made_at,
            expires_at=made_at + timedelta(minutes=10),
            used_at=used_at,
            used_by=uuid7() if used_at else None,
            agent_name="Sam" if used_at else "",
        )
    (job,) = rows.disconnect(stage, stage.calendar)
    for kind, state in zip(SupportActKind, [*SupportActState, *SupportActState], strict=False):
        _make_act(stage, kind, state)
    act = _make_act(stage, SupportActKind.REVOKE_PERSON, SupportActState.DONE)
    PurgeJob.objects.filter(id=job.id).update(support_act_id=act.id)
    for state in (QuestionState.DECLINED, QuestionState.WITHDRAWN, QuestionState.EXPIRED):
        _make_question(stage, state=state)
    sam = stage.add_person("Sam", Role.SUPPORT)
    _allow(stage, _make_question(stage, agent_id=sam.id))
    _read(stage, sam)
    _allow_event(stage, _ask_for_event(stage), _write_local_event(stage, "Rehearsal"))
    _make_question(stage, text=LONG)
    _make_question(stage, kind=ItemKind.EVENT, ticket="")
    return stage.alice.get(PAGE)


def _make_act(stage, kind, state):
    at = timezone.now()
    integration = stage.mail.integration
    has_text = kind in {
        SupportActKind.REVOKE_INTEGRATION,
        SupportActKind.REVOKE_CONNECTION,
        SupportActKind.REVOKE_PERSON,
    }
    lookup = _make_lookup(stage)
    return SupportAct.objects.create(
        agent_id=lookup.agent_id,
        kind=kind,
        lookup=lookup,
        user=stage.user,
        connection=stage.mail.connection,
        integration=integration,
        receipt_id=uuid7(),
        reason=SupportReason.DEVICE_LOST,
        text="The phone was stolen on Friday." if has_text else "",
        ticket="T-4711" if has_text else "",
        state=state,
        asked_at=at,
        settled_at=None if state == SupportActState.WAITING else at,
        next_try_at=at,
    )


@GROUP.state()
def question(stage):
    return _get_question(stage, _make_question(stage))


@GROUP.state()
def question_with_a_long_text(stage):
    return _get_question(stage, _make_question(stage, text=LONG))


@GROUP.state()
def question_with_more_messages(stage):
    _deliver_many(stage, 25)
    return _get_question(stage, _make_question(stage))


@GROUP.state()
def question_older_messages(stage):
    _deliver_many(stage, 25)
    page = _get_question(stage, _make_question(stage)).text
    next_url = page.partition('rel="next" href="')[2].partition('"')[0]
    return stage.alice.get(next_url.replace("&amp;", "&"))


def _deliver_many(stage, count):
    for number in range(count):
        stage.mailbox.deliver(at=stage.at - timedelta(minutes=number + 5))
    stage.mail.settle()


@GROUP.state()
def question_without_messages(stage):
    rows.disconnect(stage, stage.mail)
    return _get_question(stage, _make_question(stage))


@GROUP.states([QuestionState.DECLINED, QuestionState.WITHDRAWN, QuestionState.EXPIRED])
def question_that_is(stage, state):
    return _get_question(stage, _make_question(stage, state=state))


@GROUP.state()
def question_answered_too_late(stage):
    question = _make_question(stage, state=QuestionState.WITHDRAWN)
    return _allow(stage, question)


@GROUP.state()
def question_declined(stage):
    path = reverse("settings-support-question", args=[_make_question(stage).id])
    return stage.alice.post(path, follow=True)


@GROUP.state()
def message_chosen(stage):
    return stage.alice.get(_answer_path(_make_question(stage), _get_message(stage)))


@GROUP.state()
def message_gone(stage):
    path = reverse("settings-support-answer", args=[_make_question(stage).id, uuid7()])
    return stage.alice.get(path, follow=True)


@GROUP.states(["agree", "hours", "version"])
def message_allowed_without(stage, field):
    return _allow(stage, _make_question(stage), **{field: ""})


@GROUP.state()
def message_allowed(stage):
    return _allow(stage, _make_question(stage))


@GROUP.state()
def message_was_read(stage):
    sam = stage.add_person("Sam", Role.SUPPORT)
    question = _make_question(stage, agent_id=sam.id)
    _allow(stage, question)
    _read(stage, sam)
    _read(stage, sam)
    return _get_question(stage, question)


@GROUP.state()
def message_taken_back(stage):
    sam = stage.add_person("Sam", Role.SUPPORT)
    question = _make_question(stage, agent_id=sam.id)
    page = _allow(stage, question).text
    _read(stage, sam)
    path = page.partition('action="/settings/support/items/')[2].partition('"')[0]
    stage.alice.post(f"/settings/support/items/{path}")
    return _get_question(stage, question)


@GROUP.state()
def sharing_stopped(stage):
    page = _allow(stage, _make_question(stage)).text
    path = page.partition('action="/settings/support/items/')[2].partition('"')[0]
    return stage.alice.post(f"/settings/support/items/{path}", follow=True)


def _ask_for_event(stage, **values):
    return _make_question(
        stage, kind=ItemKind.EVENT, ticket="", text="Which time has your lunch?", **values
    )


def _list_events(stage, **query):
    path = reverse("settings-support-question", args=[_ask_for_event(stage).id])
    return stage.alice.get(path, query)


def _get_event(stage):
    return Event.objects.filter(calendar=stage.calendar.primary).order_by("id")[0]


def _event_path(question, event):
    return reverse("settings-support-answer-event", args=[question.id, event.id])


def _write_local_event(stage, title=""):
    calendar = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, calendar, title)
    return Event.objects.get(calendar=calendar)


def _allow_event(stage, question, event=None, **changes):
    form = {"agree": "yes", "hours": "24", "version": FEATURES["support"].version, **changes}
    path = _event_path(question, event or _get_event(stage))
    return stage.alice.post(path, form, follow=True)


def _add_series(stage):
    """Add a series and a changed occurrence of another one; return their rows."""
    before = set(Event.objects.values_list("id", flat=True))
    rule = ("RRULE:FREQ=DAILY;COUNT=9",)
    stage.calendars.put(meeting(moment(2, 8), "Standup", recurrence=rule))
    start = meeting(moment(5)).start
    stage.calendars.write(
        ADDRESS,
        RemoteEvent(
            event_id=uuid7().hex,
            etag="",
            ical_uid="invited",
            sequence=1,
            content=meeting(moment(5, 11), "Review of the budget, moved"),
            series_id="elsewhere",
            original_start=start,
        ),
    )
    stage.calendar.sync(at=stage.at)
    return Event.objects.exclude(id__in=before)


@GROUP.state()
def question_about_an_event(stage):
    _add_series(stage)
    stage.calendars.put(meeting(moment(6), ""))
    stage.calendar.sync(at=stage.at)
    return _list_events(stage)


@GROUP.states({"earlier": -30, "later": 30, "much_later": 1000})
def question_about_an_event_of(stage, _, days):
    return _list_events(stage, day=f"{stage.at.date() + timedelta(days=days):%Y-%m-%d}")


@GROUP.states({"first": "1001-01-01", "last": "8999-12-20"})
def question_about_an_event_at_the(stage, _, day):
    return _list_events(stage, day=day)


@GROUP.state()
def question_with_too_many_events(stage):
    for hour in range(55):
        stage.calendars.put(meeting(moment(2) + timedelta(hours=hour), f"Interview {hour + 1}"))
    stage.calendar.sync(at=stage.at)
    return _list_events(stage)


@GROUP.state()
def question_about_an_event_without_calendars(stage):
    rows.disconnect(stage, stage.calendar)
    return _list_events(stage)


@GROUP.states([1, 2])
def question_about_an_event_of_old_copies(stage, count):
    chosen = list(Calendar.objects.values_list("id", flat=True)[:count])
    Calendar.objects.filter(id__in=chosen).update(cached_at=stage.at - timedelta(days=3))
    return _list_events(stage)


@GROUP.states(["single", "series", "changed"])
def event_chosen(stage, kind):
    event = _get_event(stage) if kind == "single" else _add_series(stage).get(kind=kind)
    return stage.alice.get(_event_path(_ask_for_event(stage), event))


@GROUP.state()
def series_without_a_rule_chosen(stage):
    days = (f"RDATE:{moment(4, 8):%Y%m%dT%H%M%SZ}",)
    stage.calendars.put(meeting(moment(2, 8), "Inspection", recurrence=days))
    stage.calendar.sync(at=stage.at)
    event = Event.objects.get(calendar=stage.calendar.primary, kind=EventKind.SERIES)
    return stage.alice.get(_event_path(_ask_for_event(stage), event))


@GROUP.state()
def local_event_chosen(stage):
    return stage.alice.get(_event_path(_ask_for_event(stage), _write_local_event(stage)))


@GROUP.state()
def event_gone(stage):
    path = reverse("settings-support-answer-event", args=[_ask_for_event(stage).id, uuid7()])
    return stage.alice.get(path, follow=True)


@GROUP.states(["agree", "hours", "version"])
def event_allowed_without(stage, field):
    return _allow_event(stage, _ask_for_event(stage), **{field: ""})


@GROUP.state()
def event_allowed(stage):
    return _allow_event(stage, _ask_for_event(stage))


@GROUP.state()
def event_sharing_stopped(stage):
    page = _allow_event(stage, _ask_for_event(stage)).text
    path = page.partition('action="/settings/support/items/')[2].partition('"')[0]
    return stage.alice.post(f"/settings/support/items/{path}", follow=True)


@GROUP.state()
def open_event_was_deleted(stage):
    _allow_event(stage, _ask_for_event(stage))
    _get_event(stage).delete()
    return stage.alice.get(PAGE)


@GROUP.state()
def event_page_while_a_question_waits(stage):
    _ask_for_event(stage)
    return stage.alice.get(reverse("calendar-support", args=[_get_event(stage).id]))


@GROUP.state()
def message_page_while_a_question_waits(stage):
    _make_question(stage)
    return stage.alice.get(reverse("inbox-support", args=[_get_message(stage).id]))


def _open_desk(stage):
    """Return the agent's browser, one of the agent's look-ups, and the agent's id."""
    from accounts.models import User

    stage.serve_staff_site()
    browser = stage.open_desk(Role.SUPPORT, "Sam")
    agent = User.objects.get(id=browser.session["_auth_user_id"])
    return browser, _make_lookup(stage, agent_id=agent.id), agent.id


@GROUP.state()
def agent_asks(stage):
    browser, lookup, _ = _open_desk(stage)
    return browser.get(reverse("support-ask", args=[lookup.id]))


@GROUP.state()
def agent_asks_with_errors(stage):
    browser, lookup, _ = _open_desk(stage)
    form = {"kind": "mailbox", "reason": "", "text": " ", "ticket": "<b>"}
    return browser.post(reverse("support-ask", args=[lookup.id]), form)


@GROUP.states(["waiting", "asked"])
def agent_asked_too_much(stage, bound):
    browser, lookup, _ = _open_desk(stage)
    form = {"kind": "message", "reason": "other", "text": TEXT}
    error = questions.TooManyWaiting if bound == "waiting" else questions.TooManyAsked
    with patch.object(questions, "ask_for_item", side_effect=error):
        return browser.post(reverse("support-ask", args=[lookup.id]), form)


def _describe_consent(stage):
    version = FEATURES["support"].version
    return {"actor": stage.mail.actor, "hours": 24, "version": version, "at": stage.at}


@GROUP.states(QuestionState)
def agents_question(stage, state):
    message = _get_message(stage)
    browser, _, agent_id = _open_desk(stage)
    is_allowed = state == QuestionState.ALLOWED
    chosen = {"item": message.id, "consent_id": uuid7()} if is_allowed else {}
    if is_allowed:
        mail_support_access.open_to_support(message_id=message.id, **_describe_consent(stage))
    question = _make_question(stage, agent_id=agent_id, state=state, **chosen)
    return browser.get(reverse("support-question", args=[question.id]))


@GROUP.state()
def agents_question_whose_item_is_over(stage):
    message = _get_message(stage)
    browser, _, agent_id = _open_desk(stage)
    question = _make_question(
        stage, agent_id=agent_id, state=QuestionState.ALLOWED, item=message.id, consent_id=uuid7()
    )
    return browser.get(reverse("support-question", args=[question.id]))


@GROUP.state()
def agents_question_about_an_event(stage):
    event = _get_event(stage)
    calendar_support_access.open_to_support(event_id=event.id, **_describe_consent(stage))
    browser, _, agent_id = _open_desk(stage)
    question = _ask_for_event(
        stage, agent_id=agent_id, state=QuestionState.ALLOWED, item=event.id, consent_id=uuid7()
    )
    return browser.get(reverse("support-question", args=[question.id]))


@GROUP.state()
def agent_withdraws(stage):
    browser, _, agent_id = _open_desk(stage)
    question = _make_question(stage, agent_id=agent_id)
    return browser.post(reverse("support-question", args=[question.id]), follow=True)


@GROUP.state()
def agent_withdraws_too_late(stage):
    browser, _, agent_id = _open_desk(stage)
    question = _make_question(stage, agent_id=agent_id, state=QuestionState.DECLINED, ticket="")
    return browser.post(reverse("support-question", args=[question.id]), follow=True)


@GROUP.state()
def agents_questions(stage):
    browser, _, agent_id = _open_desk(stage)
    for state in (QuestionState.WAITING, QuestionState.DECLINED):
        _make_question(stage, agent_id=agent_id, state=state)
    return browser.get(reverse("support-items"))
