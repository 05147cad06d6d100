"""
Every sink fails while something is open in it, in the processes that run the service.

Nothing is patched: rows are sealed anew that hold what no shape can read, as a bug of ours or a
restored backup might leave them. What such a failure would tell a crash reporter is among the
stores that are searched.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from django.utils import timezone

from config.embedded.service import ROOT
from tests.canaries import ics
from tests.canaries.journey import Journey
from tests.canaries.marks import MALLORY
from tests.canaries.owning import export, open_to_support
from tests.smoke import planning
from tests.smoke.walk import eventually, must

UNUSED: Final = "nobody calls it yet"
#: Sinks that cannot be made to fail in a running process, and why.
EXPLAINED: Final[dict[str, str]] = {
    "download.attachment": "opens and hands over: nothing in it reads what it opened",
    "vault.sealed_anew": "seals what it opened, whatever that is: nothing in it reads it",
    "notification.text": UNUSED,
}


def sinks() -> list[str]:
    """Return MODULE.NAME of every function that is a sink: a region in which something is open."""
    return sorted(
        f"{path.stem}.{node.name}"
        for path in sorted(Path(ROOT, "limited_use", "sinks").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == "region" for one in node.decorator_list)
    )


def wrongly_explained() -> list[str]:
    """Return the sinks that are said to be called by nobody, and are."""
    unused = [name.split(".") for name, why in EXPLAINED.items() if why is UNUSED]
    sources = [
        path.read_text(encoding="utf-8")
        for package in ("integrations", "accounts", "config")
        for path in Path(ROOT, package).rglob("*.py")
    ]
    return sorted(
        f"{module}.{function}"
        for module, function in unused
        if any(
            re.search(rf"limited_use\.sinks(\.{module} import| import .*\b{module}\b)", source)
            and re.search(rf"\b{function}\(", source)
            for source in sources
        )
    )


@dataclass
class Crashing:
    """Mallory's mailbox is the one whose rows are broken."""

    journey: Journey

    @property
    def mark(self) -> str:
        return self.journey.marks.of(MALLORY)

    def run(self) -> str:
        from integrations.models import Attachment, Message, MessageBody

        integration_id = UUID(self.journey.integration(MALLORY)["id"])
        message = (
            Message.objects.filter(integration_id=integration_id, has_attachments=True)
            .order_by("-received_at")
            .first()
        )
        assert message is not None
        attachment = Attachment.objects.filter(message_id=message.id).first()
        assert attachment is not None
        person = self.journey.cast[MALLORY]
        get = person.browser.get
        api = f"/v1/users/me/messages/{message.id}"
        page = f"/inbox/messages/{message.id}"

        # Opened to support while it can still be read, and a copy of everything asked for.
        open_to_support(person, str(message.id))
        self._break(MessageBody, message.id, "content")
        get(f"{page}/body/")
        self.journey.cast["sam"].browser.get(f"/support/items/{message.id}/")
        with suppress(httpx.RemoteProtocolError):
            export(person, str(integration_id))
        self._break(Message, message.id, "summary")
        get(f"{api}/attachments/{attachment.id}")
        get("/v1/users/me/messages")
        get(api)
        get(f"/v1/users/me/threads/{message.thread_id}")
        get("/inbox/")
        get(f"/inbox/threads/{message.thread_id}/")
        self._calendars()
        self._at_the_provider(integration_id, message.id)
        failed = set(self.crashed())
        missing = {one for one in sinks() if one.partition(".")[2] not in failed} - set(EXPLAINED)
        must(not missing, f"sinks that did not fail: {', '.join(sorted(missing))}")
        must(not wrongly_explained(), f"called after all: {', '.join(wrongly_explained())}")
        explained = "; ".join(f"{name}: {why}" for name, why in EXPLAINED.items())
        return f"{', '.join(sorted(failed))} (not {explained})"

    def _calendars(self) -> None:
        """An event that no shape can read, in the API and on the page."""
        from integrations.models import Event, EventKind

        integration_id = UUID(self.journey.integration(MALLORY, product="calendar")["id"])
        event = Event.objects.filter(integration_id=integration_id, kind=EventKind.SINGLE).first()
        assert event is not None
        self._break(Event, event.id, "content")
        get = self.journey.cast[MALLORY].browser.get
        get(f"/v1/users/me/events/{event.id}")
        get("/calendar/?view=agenda")
        get(f"/calendar/events/{event.id}/description/")
        self._calendar_that_lives_here()

    def _calendar_that_lives_here(self) -> None:
        """
        What cannot be read is in the way of its file, of an edit, and of a file taken in.

        What is sent has no canary: in the request that fails it is where its sender put it.
        """
        from integrations.models import Calendar, Event

        person = self.journey.cast[MALLORY]
        calendar_id = planning.begin(person, f"{self.mark}-livinghere")
        planning.fill(person, calendar_id, ics.file(self.mark).encode())
        event = Event.objects.get(calendar_id=calendar_id)
        etag = person.api(f"/events/{event.id}")["etag"]
        self._break(Event, event.id, "content")
        with suppress(httpx.RemoteProtocolError):
            person.browser.get(f"/settings/calendars/{calendar_id}/calendar.ics")
        person.send("PATCH", f"/events/{event.id}", json={"busy": False}, if_match=f'"{etag}"')
        self._break(Calendar, UUID(calendar_id), "about")
        planning.fill(person, calendar_id, ics.file("plain").encode())

    def _at_the_provider(self, integration_id: UUID, broken: UUID) -> None:
        """What the workers open for the provider: ids, cursor, names to compare, the token."""
        from integrations.models import Integration, Message, SetAside, SyncWork

        work = SyncWork.objects.get(integration_id=integration_id, integration__product="mail")
        connection = Integration.objects.get(id=integration_id).connection
        # Due for a comparison, which finds one more than the provider lists, and asks about it.
        Message.objects.filter(pk=broken).update(remote_blind=secrets.token_bytes(32))
        SyncWork.objects.filter(id=work.id).update(reconcile_at=timezone.now())
        self._until("picked")
        aside = self._set_one_aside(integration_id)
        self._break(SetAside, aside, "remote_id", data=b"\xff")
        self._retry(integration_id)
        self._until("texts")
        # It would be in the way of what comes after it in a run.
        SetAside.objects.filter(id=aside).delete()
        # A run in between writes its own cursor, and a refresh its own token.
        whole = SyncWork.objects.get(id=work.id).cursor
        self._until("text", lambda: self._break(SyncWork, work.id, "cursor", data=b"\xff"))
        SyncWork.objects.filter(id=work.id).update(cursor=whole)
        self._until("credential", lambda: self._expire(connection.id))

    def _expire(self, connection_id: UUID) -> None:
        from integrations.models import Connection

        Connection.objects.filter(id=connection_id).update(access_expires_at=timezone.now())
        self._break(Connection, connection_id, "refresh_token", data=b"\xff")

    def _set_one_aside(self, integration_id: UUID) -> UUID:
        from integrations.models import SetAside

        mark, boxes = self.mark, self.journey.boxes
        message = boxes.deliver(MALLORY, subject=f"{mark}-aside", text=f"{mark}-aside")
        body = boxes.crafted(MALLORY, message, payload={"mimeType": "text/plain", "parts": 7})
        boxes.world.sandbox.fail_next(9, path_contains=message["id"], status=200, body=body)

        def aside() -> Any:
            boxes.nudge()
            return SetAside.objects.filter(integration_id=integration_id).first()

        found = eventually(aside, within=20, says="something set aside", every=0.2)
        boxes.world.sandbox.clear_faults()
        return UUID(str(found.id))

    def _retry(self, integration_id: UUID) -> None:
        browser = self.journey.cast[MALLORY].browser
        page = browser.get(f"/settings/integrations/{integration_id}/details/")
        form = page.form("/retry/")
        browser.submit(page, form, form.data())

    def _until(self, sink: str, again: Callable[[], object] = lambda: None) -> None:
        def failed() -> bool:
            again()
            self.journey.boxes.nudge()
            return sink in self.crashed()

        eventually(failed, within=20, says=f"a failure in {sink}", every=0.3)

    def _break(self, model: Any, row: UUID, column: str, *, data: bytes = b"{not json ") -> None:
        """Seal something for that column that cannot be read, with a canary in it."""
        from limited_use.models import DataKey
        from limited_use.vault.sealing import sealer

        holder = getattr(model.objects.get(pk=row), model._meta.get_field(column).holder)
        key = DataKey.objects.get(holder=holder)
        poison = data + f"{self.mark}-broken{column}".encode()
        sealed = sealer(holder=holder, epoch=key.epoch).seal(model, column, row=row, data=poison)
        model.objects.filter(pk=row).update(**{column: sealed})

    def crashed(self) -> list[str]:
        """Return which sinks failed so far, as the crash reports say."""
        return sorted(set(_reported(self.journey.world.watched / "crashes")))


def _reported(folder: Path) -> Iterator[str]:
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for error in json.loads(line)["errors"]:
                _, _, where = error["text"].partition(" in ")
                if where:
                    yield where.partition(":")[0]
