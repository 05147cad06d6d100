"""What the walk does with Microsoft: the same as with Google, in an account of Bob's beside his."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.canaries import appointment, graph_fields, letter
from tests.canaries.journey import LONG_AGO, Journey
from tests.canaries.marks import BOB
from tests.canaries.writing import CanaryWrites
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually, must
from tests.worlds.microsoft import MicrosoftSandbox

THERE: Final = "microsoft"
_MAIL: Final = "/messages/delta"
_FOLDERS: Final = "/me/mailFolders/delta"
_CALENDARS: Final = "/calendarView/delta"
# What a message is filed by: the rest of it may be anything.
_FILED: Final = (
    "id", "conversationId", "parentFolderId", "receivedDateTime", "isRead", "isDraft",
)  # fmt: skip


@dataclass
class CanaryOutlook:
    journey: Journey

    def __post_init__(self) -> None:
        self.mark = self.journey.marks.of(BOB)
        self.account = f"{self.mark}-msemail@{self.mark}-msdomain.example"
        self.microsoft = MicrosoftSandbox(self.journey.world.sandbox)
        self.writing = CanaryWrites(self.journey, BOB, error=self._error)

    @property
    def bob(self) -> SmokePerson:
        return self.journey.cast[BOB]

    def seed(self) -> str:
        """Fill the account, as its owner and another program of theirs would."""
        digest = hashlib.sha256(self.mark.encode()).hexdigest()
        self.journey.world.sandbox.dial(
            graph_requests_per_ten_minutes=0,
            graph_concurrency=0,
            # The strange answers end with a link that Exchange might have forgotten by then.
            graph_links_kept=0,
        )
        self.microsoft.seed(
            self.account,
            name=f"{self.mark}-msname",
            size=8,
            seed=4,
            days=30,
            canary=self.mark,
            hostile=0.1,
            malformed=0.1,
            claims=graph_fields.claims(self.mark),
            calendar_fields=appointment.calendar_fields(
                self.mark, series_id=digest[:20], team_id=digest[20:52]
            ),
        )
        self.deliver_letter()
        # Beyond what is kept: it is found there alone.
        self.microsoft.deliver(
            self.account, raw=letter.raw(self.mark), date=LONG_AGO, labels=["INBOX"]
        )
        # Not ours: what that one asks and is given does not pass the relay.
        self.microsoft.register_client()
        self.other = self.microsoft.graph(self.microsoft.authorize(self.account)["access_token"])
        folder = self._other("POST", "/me/mailFolders", displayName=f"{self.mark}-msfolder")
        [first, *_] = self._listed()
        place = f"/me/messages/{first['id']}/move"
        self._other("POST", place, destinationId=folder["id"])
        return f"{len(self._listed())} messages, two calendars"

    def deliver_letter(self) -> None:
        """Have a message arrive that has a canary in everything, and files."""
        labels = ["INBOX", "UNREAD", "Label_1"]
        self.microsoft.deliver(self.account, raw=letter.raw(self.mark), labels=labels)

    def connect(self) -> str:
        self.journey.decline(BOB, (*graph_fields.CALLBACK, "code", "state"), provider=THERE)
        body = {
            one: f"{self.mark}-{graph_fields.word(f'token.{one}')}"
            for one in graph_fields.TOKEN_ERROR
        }
        place = "/common/oauth2/v2.0/token"
        self.journey.world.sandbox.fail_next(1, path_prefix=place, status=400, body=body)
        self.bob.connect(self.account, provider=THERE)
        must(self.journey.boxes.answered(body["error"]), "the code was taken")
        self.bob.connect(self.account, provider=THERE)
        self.journey.wait_for(BOB, provider=THERE)
        self._connect("calendar")
        eventually(self._in_step, within=30, says="its events", every=0.2)
        return f"{len(self.journey.messages(BOB))} messages of both, {len(self._titles())} titles"

    def strange(self) -> str:
        """Answers in which every text is a canary, but for ids by which the walk goes on."""
        sandbox, told = self.journey.world.sandbox, {}
        for model, place, body in self._strange():
            sandbox.fail_next(1, method="GET", path_suffix=place, status=200, body=body)
            told[model] = f"{self.mark}-{graph_fields.word(model)}"

        def are_all_answered() -> bool:
            self.journey.boxes.nudge()
            return all(map(self.journey.boxes.answered, told.values()))

        eventually(are_all_answered, within=30, says="every strange answer", every=0.2)
        sandbox.clear_faults()
        strange = {told["Event.subject"], told["Event.exceptionOccurrences.subject"]}
        eventually(
            lambda: strange <= self._titles(), within=20, says="the strange events", every=0.2
        )
        return f"every text of {', '.join(told)}"

    def _strange(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what is answered in place of what is there: a text to be heard, where, all."""
        mark = self.mark

        def make_strange_resource(name: str, real: dict[str, Any], *kept: str) -> dict[str, Any]:
            made = graph_fields.fill_resource(graph_fields.RESOURCES[name], mark)
            return made | {one: real[one] for one in kept if one in real}

        message = self._listed()[0]
        folders = self._other("GET", _FOLDERS)
        folders["@odata.deltaLink"] = self._link(_FOLDERS)[1]
        kept = ("id", "parentFolderId", "totalItemCount", "isHidden")
        folders["value"] = [
            make_strange_resource("mailFolders", one, *kept) for one in folders["value"]
        ]
        calendars = self._other("GET", "/me/calendars")
        owned = ("id", "isDefaultCalendar", "canEdit")
        calendars["value"] = [
            make_strange_resource("calendars", one, *owned) for one in calendars["value"]
        ]
        place, link = self._link(_CALENDARS)
        event = make_strange_resource("events", {}) | {"seriesMasterId": None}
        [differing] = event.pop("exceptionOccurrences")
        for one in (event, differing):
            for name, at in (
                ("start", appointment.get_day_start(1)),
                ("end", appointment.get_day_start(2)),
            ):
                one[name]["dateTime"] = f"{at:%Y-%m-%dT%H:%M:%S}.0000000"
        # Of each one that can be shown, and one whose rule cannot be read.
        name = hashlib.sha256(f"{mark}-series".encode()).hexdigest()
        series = {"id": name, "type": "seriesMaster"}
        events = {"value": [*make_readable_and_unreadable(event), series], "@odata.deltaLink": link}
        whole = event | {
            **series,
            "recurrence": None,
            "exceptionOccurrences": make_readable_and_unreadable(differing),
        }
        settings = make_strange_resource("mailboxSettings", {})
        categories = {"value": [make_strange_resource("masterCategories", {})]}
        changes, after = self._link(f"/{message['parentFolderId']}{_MAIL}")
        whole_message = make_strange_resource("messages", message, *_FILED) | {"isDraft": True}
        # A draft is read again whenever it is told of.
        told = {one: whole_message[one] for one in whole_message if one != "uniqueBody"}
        heads = {"value": [told], "@odata.deltaLink": after}
        # The file is asked for by its id.
        file_id = {"id": hashlib.sha256(f"{mark}-file".encode()).hexdigest()}
        files = {"value": [make_strange_resource("attachments", file_id, "id")]}
        return [
            ("Message.subject", changes, heads),
            (
                "Message.uniqueBody.content",
                f"/me/messages/{message['id']}",
                whole_message | {"hasAttachments": True},
            ),
            ("FileAttachment.name", f"/{message['id']}/attachments", files),
            ("MailFolder.displayName", _FOLDERS, folders),
            ("OutlookCategory.displayName", "/masterCategories", categories),
            ("Calendar.name", "/me/calendars", calendars),
            ("Event.subject", place, events),
            ("Event.exceptionOccurrences.subject", f"/me/events/{series['id']}", whole),
            ("MailboxSettings.timeZone", "/mailboxSettings", settings),
        ]

    def _link(self, suffix: str) -> tuple[str, str]:
        """Return where changes were asked for last whose path ends so, and by which link."""

        def find_link() -> tuple[str, str] | None:
            self.journey.boxes.nudge()
            relay = self.journey.world.relay
            sent = [part for one in relay.sent() for part in one.parts]
            links = [one for one in sent if one.path.endswith(suffix)]
            links = [one for one in links if "$deltatoken" in parse_qs(urlsplit(one.target).query)]
            return (links[-1].path, f"{relay.url}{links[-1].target}") if links else None

        found: tuple[str, str] = eventually(find_link, within=30, says="a delta", every=0.2)
        return found

    def misbehaviour(self) -> str:
        """Every kind of refusal of Graph, in its own words."""
        boxes = self.journey.boxes
        header = {"www-authenticate": f"{self.mark}-mserrorheader"}
        for place, status in (
            *((_MAIL, one) for one in (400, 403, 429, 503)),
            *((_CALENDARS, one) for one in (403, 410)),
        ):
            more = f"{status}{place[1:9].lower()}"
            text = f"{self.mark}-{graph_fields.word('MainError.message')}-{more}"
            body = graph_fields.make_error(self.mark, more)
            boxes.misbehave(text, path_suffix=place, status=status, body=body, headers=header)
        self.journey.wait_for(BOB, provider=THERE)
        eventually(self._in_step, within=30, says="events after refusals", every=0.2)
        return "400, 403, 429, 503 of mail, 403, 410 of calendars"

    def told(self) -> str:
        """News that Microsoft tells of: a message, an event, its end."""
        eventually(self._told_of_three, within=60, says="subscriptions", every=0.5)
        title = f"{self.mark}-mstold"
        self.microsoft.deliver(self.account, subject=title, text=title)
        eventually(lambda: title in self._subjects(), within=20, says="what was told", every=0.1)
        event = appointment.event(self.mark, 1, summary=title)
        put = self.microsoft.control("events", **self._at(event=event))
        eventually(lambda: title in self._titles(), within=20, says="an event", every=0.1)
        self.microsoft.control("events/cancel", **self._at(id=put["id"]))
        eventually(lambda: title not in self._titles(), within=20, says="its end", every=0.1)
        sent = self.journey.world.sandbox.pushes()["sent"]
        return f"{sum(one['about'].startswith('graph') for one in sent)} notifications"

    def read(self) -> str:
        """Everything of Bob's, of both providers, by pages and API; and what is only there."""
        self.journey.read_all(BOB)
        for view in ("month", "agenda"):
            self.bob.browser.get(f"/calendar/?view={view}")
        for one in self._events():
            self.bob.browser.get(f"/calendar/events/{one['id']}/")
            self.bob.browser.get(f"/calendar/events/{one['id']}/description/")
        strange = f"{self.mark}-{graph_fields.word('Message.bodyPreview')}"
        snippets = {str(one["snippet"]) for one in self.journey.messages(BOB)}
        must(strange in snippets, "the strange message is not shown")
        return f"{self.journey.search_there(BOB)} shown from there"

    def ended_elsewhere(self) -> str:
        """The consent is removed there; reconnected in time, nothing is lost."""
        before = len(self.journey.messages(BOB))
        for what in ("consents/forget", "tokens/expire"):
            self.microsoft.control(f"microsoft/{what}", email=self.account)
        self.journey.asked_to_reconnect(BOB)
        self._connect("mail")
        self.journey.wait_for(BOB, provider=THERE)
        must(len(self.journey.messages(BOB)) == before, "something is lost")
        return "said, reconnected"

    def nothing_left(self) -> str:
        must(not self._subscriptions(), "subscriptions are left at Microsoft")
        self.other.close()
        return "no subscription; the consent is the owner's to remove"

    def _error(self, status: int) -> dict[str, Any]:
        return graph_fields.make_error(self.mark, f"write{status}")

    def _connect(self, product: str) -> None:
        connection = self.journey.connection(BOB, provider=THERE)
        self.bob.connect(self.account, provider=THERE, product=product, connection=connection)

    def _told_of_three(self) -> bool:
        self.journey.boxes.nudge()
        return len(self._subscriptions()) == 3

    def _subscriptions(self) -> list[Any]:
        found = self.microsoft.look("microsoft/subscriptions", email=self.account)
        return list(found["subscriptions"])

    def _at(self, **more: Any) -> dict[str, Any]:
        return {"email": self.account, "provider": THERE, **more}

    def _other(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.other.request(method, path, json=body or None)
        return dict(answer.raise_for_status().json())

    def _listed(self) -> list[dict[str, Any]]:
        place = f"/me/messages?$top=100&$select={','.join(_FILED)}"
        return list(self._other("GET", place)["value"])

    def _in_step(self) -> bool:
        self.journey.boxes.nudge()
        return {f"{self.mark}-evsummary", f"{self.mark}-evmoved"} <= self._titles()

    def _subjects(self) -> set[str]:
        return {str(one["subject"]) for one in self.journey.messages(BOB)}

    def _titles(self) -> set[str]:
        return {str(one["title"]) for one in self._events()}

    def _events(self) -> list[dict[str, Any]]:
        span = {
            "start": appointment.get_day_start(-3).isoformat(),
            "end": appointment.get_day_start(20).isoformat(),
        }
        return list(self.bob.api("/events", **span, limit=200)["data"])


def make_readable_and_unreadable(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an event that can be read, and another of the same words that cannot."""
    return [event | {"recurrence": None}, event | {"id": f"{event['id']}-unreadable"}]
