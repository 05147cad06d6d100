"""An event that is to be changed: the form filled in with it, inside the sink; and what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from django import forms

from integrations.calendar import etags
from integrations.calendar.events import drafts
from integrations.calendar.events.drafts import Edit, Guest
from integrations.calendar.page_queries import OneEvent
from integrations.formats import timezones
from integrations.formats.event import EventContent, Reminder, When
from limited_use.sinks.calendar import Opened, Shown

from . import event_presenter, preferences, recurrence_form
from .forms import REMINDERS, EventForm
from .recurrence_form import Repeat

#: What is none of the choices, and stays.
KEEP: Final = "keep"
_OPTIONAL: Final = "(optional)"
_SCOPES: Final = (
    ("this", "This one alone"),
    ("following", "This one and all that follow"),
    ("all", "All of the series"),
)
_KNOWN_REMINDERS: Final = frozenset(value for value, _ in REMINDERS)


class EditForm(EventForm):
    """An event as it is, to be changed; `version` is the one that they saw."""

    key = None  # type: ignore[assignment]
    calendar = None  # type: ignore[assignment]
    require_free = None  # type: ignore[assignment]
    version = forms.CharField(max_length=200)
    zone = forms.CharField(max_length=200, widget=forms.Select)
    scope = forms.ChoiceField(choices=_SCOPES, widget=forms.RadioSelect, required=False)
    repeats = forms.ChoiceField(
        choices=(*recurrence_form.CHOICES, (KEEP, "As it does now")), required=False
    )
    reminders = forms.ChoiceField(choices=(*REMINDERS, (KEEP, "As they are now")), required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        named = {*preferences.ZONES, str(self["zone"].value() or "UTC")}
        select = cast("forms.Select", self.fields["zone"].widget)
        select.choices = [(one, one) for one in sorted(named)]

    def edit(self, *, is_occurrence: bool) -> Edit:
        """
        Return what differs from the version that they saw; nothing where nothing does.

        :raises BadDraft: if it cannot be an event
        :raises versions.NoVersion: if they saw none
        """
        given = self.cleaned_data
        draft = self.draft()
        changed = set(etags.changed_since(given["version"], drafts.to_event_content(draft)))
        if is_occurrence or given["repeats"] == KEEP:
            changed.discard("recurrence")
        if given["reminders"] == KEEP:
            changed.discard("reminders")
        names = changed - {"when"} | ({"start", "end"} if "when" in changed else set())
        return cast("Edit", {name: getattr(draft, name) for name in names})

    def _guests(self) -> tuple[Guest, ...]:
        found = []
        for one in super()._guests():
            email, mark, rest = one.email.partition(_OPTIONAL)
            is_optional = bool(mark) and not rest.strip()
            found.append(Guest(email.strip(), is_optional=True) if is_optional else one)
        return tuple(found)


def filled(
    look: OneEvent, wish: event_presenter.Wish, typed: EditForm | None
) -> Callable[[Opened], Sequence[Shown]]:
    """
    Return how a sink makes the page on which an event is changed.

    :param typed: what they sent, if it is to be shown again instead of what is there
    """
    base = event_presenter.told(look, wish)

    def make(opened: Opened) -> Sequence[Shown]:
        shown = base(opened)
        one = event_presenter.happening(opened[len(look.found) :], wish.name)
        if not shown or one is None:
            return []
        occurrence = one.occurrence
        form = typed or EditForm(
            initial=initial(
                occurrence.content,
                occurrence.start,
                occurrence.end,
                zone=str(shown[0].opened["zone"]),
            )
        )
        fields = {
            name: {"control": str(form[name]), "wrong": str(form[name].errors)}
            for name in form.fields
        }
        return [Shown(shown[0].clear, {**shown[0].opened, "form": fields})]

    return make


def initial(content: EventContent, start: When, end: When, *, zone: str) -> Mapping[str, Any]:
    """
    Return what a form says of an event.

    :param zone: where it has none of its own
    """
    repeat = recurrence_form.read(content.recurrence, content.start)
    return {
        "title": content.title,
        "description": content.description,
        "location": content.location,
        "guests": "\n".join(
            f"{one.email} {_OPTIONAL}" if one.is_optional else one.email
            for one in content.attendees
        ),
        "is_free": not content.is_busy,
        "is_private": content.is_private,
        "reminders": _reminders(content.reminders),
        "scope": "this",
        **_times(start, end, start.zone or zone or "UTC"),
        **_repeating(repeat),
    }


def _times(start: When, end: When, zone: str) -> Mapping[str, Any]:
    if start.day is not None:
        last: date = max((end.day or start.day) - timedelta(days=1), start.day)
        return {"is_days": True, "start_day": start.day, "end_day": last, "zone": zone}
    place = timezones.zone(timezones.iana(zone))
    begins, ends = (_clock(one, place) for one in (start, end))
    return {
        "is_days": False,
        "start_day": begins.date(),
        "start_time": begins.time(),
        "end_day": ends.date(),
        "end_time": ends.time(),
        "zone": place.key,
    }


def _clock(when: When, place: Any) -> datetime:
    if when.at is None:
        raise ValueError("a day has no moment")
    return timezones.clock(when.at, place)


def _repeating(repeat: Repeat | None) -> Mapping[str, Any]:
    if repeat is None:
        return {"repeats": KEEP, "every": 1}
    return {
        "repeats": repeat.how,
        "every": repeat.every,
        "weekdays": [str(one) for one in repeat.days],
        "until": repeat.until,
        "count": repeat.count,
    }


def _reminders(found: tuple[Reminder, ...] | None) -> str:
    if found is None:
        return ""
    if not found:
        return "none"
    said = str(found[0].minutes)
    is_a_choice = found == (Reminder(found[0].minutes),) and said in _KNOWN_REMINDERS
    return said if is_a_choice else KEEP
