"""
Graph's own types as the judge: what the sandbox answers, read and written again by msgraph-sdk.

A key that its models do not know ends up in `additional_data`; a value of a wrong type, or none of
an enumeration's, does not come out again.
"""

import json
import re

import pytest
from kiota_serialization_json.json_parse_node import JsonParseNode
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter

from tests.worlds.microsoft import EVERYTHING, MicrosoftSandbox

ADA = "ada@contoso.example"
WINDOW = {"startDateTime": "2026-03-01T00:00:00", "endDateTime": "2026-05-01T00:00:00"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")


def plain(value):
    """Without annotations and nulls, and without what only says a moment in another way."""
    if isinstance(value, dict):
        kept = {n: plain(v) for n, v in value.items() if not n.startswith("@")}
        return {n: v for n, v in kept.items() if v not in (None, {}, [])}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return value[:19]
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d:\d\d\.0+", value):
        return value[:8]
    return value


def unknown(model, path=""):
    """The keys that the types have no name for, wherever they are."""
    found = []
    for name, value in vars(model).items():
        if name == "backing_store":
            continue
        if name == "additional_data":
            found += [f"{path}.{key}" for key in value if "@" not in key]
        each = value if isinstance(value, list) else [value]
        for one in each:
            if hasattr(one, "serialize"):
                found += unknown(one, f"{path}.{name}")
    return found


def judged(body, kind):
    """What the types have to say against `body`."""
    model = JsonParseNode(json.loads(json.dumps(body))).get_object_value(kind)
    writer = JsonSerializationWriter()
    model.serialize(writer)
    written = json.loads(writer.get_serialized_content())
    complaints = unknown(model)
    before, after = plain(body), plain(written)
    complaints += [
        f"{name}: {value!r} became {after.get(name)!r}"
        for name, value in before.items()
        if after.get(name) != value
    ]
    return complaints


@pytest.fixture
def graph(sandbox):
    microsoft = MicrosoftSandbox(sandbox)
    microsoft.register_client()
    microsoft.seed(ADA, size=25, seed=3, calendar_fields={"time_zone": "Europe/Berlin"})
    token = microsoft.authorize(ADA, EVERYTHING)["access_token"]
    with microsoft.graph(token) as client:
        zone = "W. Europe Standard Time"
        client.post(
            "/me/events",
            json={
                "subject": "Standup",
                "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": zone},
                "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": zone},
                "attendees": [{"emailAddress": {"address": "bob@fabrikam.example"}}],
                "recurrence": {
                    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
                    "range": {
                        "type": "endDate",
                        "startDate": "2026-03-02",
                        "endDate": "2026-04-01",
                    },
                },
            },
        ).raise_for_status()
        yield client


class TestShapes:
    def test_of_mail_are_graphs(self, graph):
        from msgraph.generated.models.mail_folder import MailFolder
        from msgraph.generated.models.message import Message

        messages = graph.get("/me/messages?$top=25").json()["value"]
        folders = graph.get("/me/mailFolders?$top=25").json()["value"]

        assert len(messages) == 25
        assert [judged(one, Message) for one in messages] == [[]] * len(messages)
        assert [judged(one, MailFolder) for one in folders] == [[]] * len(folders)

    def test_of_attachments_are_graphs(self, graph):
        from msgraph.generated.models.attachment import Attachment

        listed = graph.get("/me/messages?$top=25&$select=hasAttachments").json()["value"]
        having = [one["id"] for one in listed if one["hasAttachments"]]
        found = graph.get(f"/me/messages/{having[0]}/attachments").json()["value"]

        assert [judged(one, Attachment) for one in found] == [[]] * len(found)

    def test_of_calendars_are_graphs(self, graph):
        from msgraph.generated.models.calendar import Calendar
        from msgraph.generated.models.event import Event

        params = WINDOW | {"$top": "100"}
        events = graph.get("/me/events").json()["value"]
        events += graph.get("/me/calendarView", params=params).json()["value"]
        events += graph.get("/me/calendarView/delta", params=params).json()["value"]
        calendars = graph.get("/me/calendars").json()["value"]

        assert len(events) > 8
        assert [judged(one, Event) for one in events] == [[]] * len(events)
        assert [judged(one, Calendar) for one in calendars] == [[]] * len(calendars)

    def test_of_people_and_schedules_are_graphs(self, graph):
        from msgraph.generated.models.mailbox_settings import MailboxSettings
        from msgraph.generated.models.schedule_information import ScheduleInformation
        from msgraph.generated.models.user import User

        asked = {
            "schedules": [ADA, "nobody@nowhere.example"],
            "startTime": {"dateTime": "2026-03-02T00:00:00", "timeZone": "UTC"},
            "endTime": {"dateTime": "2026-03-03T00:00:00", "timeZone": "UTC"},
        }
        found = graph.post("/me/calendar/getSchedule", json=asked).json()["value"]

        assert judged(graph.get("/me").json(), User) == []
        assert judged(graph.get("/me/mailboxSettings").json(), MailboxSettings) == []
        assert [judged(one, ScheduleInformation) for one in found] == [[], []]

    @pytest.mark.parametrize(
        "flaw",
        [{"importance": "URGENT"}, {"receivedTime": "now"}, {"isRead": "yes"}, {"id": 7}],
    )
    def test_that_are_not_graphs_are_found(self, graph, flaw):
        from msgraph.generated.models.message import Message

        [message] = graph.get("/me/messages?$top=1").json()["value"]

        assert judged(message | flaw, Message)
