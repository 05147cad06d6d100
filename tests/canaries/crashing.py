"""
Every sink fails while something is open in it, in the processes that run the service.

Nothing is patched: rows are sealed anew that hold what no shape can read, as a bug of ours or a
restored backup might leave them. What such a failure would tell a crash reporter is among the
stores that are searched. What comes from a provider is broken in an account of each: what stands
beside it in a worker's or a page's variables is made by different adapters.
"""

from __future__ import annotations

import ast
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx

from config.embedded.embedded_service import ROOT
from tests.canaries import ics
from tests.canaries.breaking import Breaking, CanaryAccount
from tests.canaries.journey import Journey
from tests.canaries.marks import BOB, MALLORY
from tests.canaries.owning import export, open_to_support
from tests.smoke import planning
from tests.smoke.client import Form
from tests.smoke.walk import eventually, must

#: Sinks that cannot be made to fail in a running process, and why.
EXPLAINED: Final[dict[str, str]] = {
    "download_sink.open_attachment": "opens and hands over: nothing in it reads what it opened",
    "provider_sink.open_file_chunks": "opens nothing: each chunk is opened when it is read",
    "provider_sink._open_chunk": "opens and hands over: nothing in it reads what it opened",
    "drive_sink.pass_through_file": "opens nothing: each piece is checked when it is read",
    "download_sink.close": "lets go of a file that arrives: nothing in it reads it",
    "json_sink.dump_json": "writes what its callers read: a broken row fails in them",
    "rekey_sink.reseal_columns": "seals what it opened, whatever that is: nothing in it reads it",
    "notification_sink.render_notification": "opens what open_text opened just before",
}
#: Those that fail with rows of each provider; the others are the same wherever a row is from.
EACH: Final = frozenset(
    {
        "calendar_sink.calendar_json", "calendar_sink.calendar_page",
        "download_sink.pass_through_file", "page_sink.render_document",
        "page_sink.render_page", "provider_sink.open_credential",
        "provider_sink.pick_parts", "provider_sink.open_text", "provider_sink.open_texts",
        "json_sink.render_json_object", "json_sink.render_json_page",
    }
)  # fmt: skip


@cache
def sinks() -> list[str]:
    """Return MODULE.NAME of every function that is a sink: a region in which something is open."""
    return sorted(
        f"{path.stem}.{node.name}"
        for path in sorted(Path(ROOT, "limited_use", "sinks").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(one, ast.Name) and one.id == "guard_plaintext" for one in node.decorator_list
        )
    )


@dataclass
class Crashing:
    """Mallory's Gmail has everything broken, and Bob's Outlook what comes from a provider."""

    journey: Journey
    #: By provider, the sinks that failed with its rows.
    failed: dict[str, set[str]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.accounts = (
            CanaryAccount(self.journey, MALLORY, "google"),
            CanaryAccount(self.journey, BOB, "microsoft"),
        )

    def run(self) -> str:
        mallory, _ = self.accounts
        self._cut_a_file_off(mallory)
        self._of_one(mallory)
        for account in self.accounts:
            account.fail_in_pages()
            self._note(account)
        self._files(mallory)
        self._note(mallory)
        self._calendar_that_lives_here(mallory)
        self._note(mallory)
        self._at_the_providers()
        for account in self.accounts:
            account.breaking.mend()
        google, microsoft = (self.failed[one.provider] for one in self.accounts)
        missing = set(sinks()) - google - set(EXPLAINED)
        must(not missing, f"sinks that did not fail: {', '.join(sorted(missing))}")
        missing = EACH - microsoft
        must(not missing, f"of Microsoft's did not fail: {', '.join(sorted(missing))}")
        explained = "; ".join(f"{name}: {why}" for name, why in EXPLAINED.items())
        return f"{len(google)} with Google's, {len(microsoft)} with Microsoft's (not {explained})"

    def _cut_a_file_off(self, account: CanaryAccount) -> None:
        """Have a provider send less of a file than it says, after the first of it was answered."""
        from integrations.models import Attachment

        content = f"{account.breaking.mark}-attachment\n".encode() * 10_000
        answer = {"size": len(content) + 1, "data": urlsafe_b64encode(content).decode()}
        self.journey.world.sandbox.fail_next(
            1, path_contains="/attachments/", status=200, body=answer
        )
        attachment = Attachment.objects.filter(message_id=account.message.id)[0]
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            account.person.browser.get(
                f"/v1/users/me/messages/{account.message.id}/attachments/{attachment.id}"
            )

    def _of_one(self, account: CanaryAccount) -> None:
        """What is the same wherever the mail is from: support, and a copy of everything."""
        from integrations.models import MessageBody

        message = account.message
        self._propose(account)
        # Opened to support while it can still be read, and asked for.
        open_to_support(account.person, str(message.id))
        for column in ("content", "shown"):
            account.breaking.seal(MessageBody, message.id, column)
        self.journey.cast["sam"].browser.get(f"/support/items/{message.id}/")
        with suppress(httpx.RemoteProtocolError):
            export(account.person, str(account.mail))

    def _propose(self, account: CanaryAccount) -> None:
        """A feature proposes a draft with canaries in it, while a summary cannot be read."""
        from integrations.models import Connection, Message
        from tests.api import cast

        message = account.message
        cast.allow_sending(Connection.objects.get(integrations__id=account.mail))
        delegation = account.person.switch_on("reply-assistant")
        account.breaking.seal(Message, message.id, "summary")
        typed = self.journey.marks.typed
        draft = {
            "mailbox": str(account.mail),
            "to": [{"name": f"{typed}-failname", "address": f"{typed}-fail@x.example"}],
            "subject": f"{typed}-failsubject",
            "text": f"{typed}-failtext",
        }
        with self.journey.cast.client("reply-assistant", delegation, of=account.name) as http:
            answer = http.post(
                "/v1/users/me/proposals", json=draft, headers={"Idempotency-Key": "fails-here-1"}
            )
        must(answer.status_code == 500, f"a failing proposal was answered {answer.status_code}")
        account.breaking.mend()

    def _files(self, account: CanaryAccount) -> None:
        """Files whose names and places cannot be read, and sources that cannot be read either."""
        from integrations.models import Attachment, DriveFile, Event

        # What the steps before broke stays broken for those after.
        person, breaking = account.person, Breaking(account.breaking.mark)
        whole, begun = (self._begin_file(account, word) for word in ("whole", "begun"))
        self._send_file(account, whole)
        for path in ("/files/", f"/v1/users/me/files/{whole}", "/v1/users/me/files"):
            breaking.seal(DriveFile, UUID(whole), "transfer")
            person.browser.get(path)
            breaking.mend()
        breaking.seal(DriveFile, UUID(whole), "transfer")
        person.send("DELETE", f"/files/{whole}?trash=true", tus_resumable="1.0.0")
        breaking.seal(DriveFile, UUID(begun), "descriptor")
        self._send_file(account, begun)
        breaking.mend()
        # Workers open what goes from a source to a Drive.
        attachment = Attachment.objects.filter(message_id=account.message.id)[0]
        breaking.seal(Attachment, attachment.id, "descriptor")
        page = person.browser.get("/files/")
        form = page.form("/files/folder/")
        agreed = {"agree": "yes", "drive": str(account.integration("drive"))}
        token = dict(form.fields)["csrfmiddlewaretoken"]
        calendar_id = planning.create_local_calendar(person, f"{breaking.mark}-drivefails")
        planning.import_file(person, calendar_id, ics.file(breaking.mark).encode())
        event = Event.objects.get(calendar_id=calendar_id)
        breaking.seal(Event, event.id, "content")
        for path in (
            f"/files/save/attachments/{account.message.id}/{attachment.id}/",
            f"/files/save/calendars/{calendar_id}/",
        ):
            order = Form(path, "post")
            data = [*agreed.items(), ("csrfmiddlewaretoken", token)]
            person.browser.submit(page, order, data)
        self._wait_for("drive_sink.describe_file", "drive_sink.build_file_part")
        breaking.mend()

    def _begin_file(self, account: CanaryAccount, word: str) -> str:
        """Return the id of a new file of a thousand bytes."""
        name = b64encode(f"{account.breaking.mark}-fail{word}.bin".encode()).decode()
        answer = account.person.send(
            "POST",
            "/files",
            tus_resumable="1.0.0",
            upload_length="1000",
            upload_metadata=f"filename {name}",
        )
        must(answer.status_code == 201, f"a file was answered {answer.status_code}")
        return str(answer.headers["Location"].rpartition("/")[2])

    def _send_file(self, account: CanaryAccount, file_id: str) -> None:
        account.person.send(
            "PATCH",
            f"/files/{file_id}",
            content=b"x" * 1000,
            tus_resumable="1.0.0",
            upload_offset="0",
            content_type="application/offset+octet-stream",
        )

    def _wait_for(self, *wanted: str) -> None:
        """Wait until a crash report names each of these sinks, in any account."""

        def failed() -> bool:
            self.journey.boxes.nudge()
            return set(wanted) <= {sink for line in self._lines() for sink in _sinks_in(line)}

        eventually(failed, within=30, says=f"failures in {', '.join(wanted)}", every=0.3)

    def _calendar_that_lives_here(self, account: CanaryAccount) -> None:
        """
        What cannot be read is in the way of its file, of an edit, and of a file taken in.

        What is sent has no canary: in the request that fails it is where its sender put it.
        """
        from integrations.models import Calendar, Event

        person, mark = account.person, account.breaking.mark
        calendar_id = planning.create_local_calendar(person, f"{mark}-livinghere")
        planning.import_file(person, calendar_id, ics.file(mark).encode())
        event = Event.objects.get(calendar_id=calendar_id)
        etag = person.api(f"/events/{event.id}")["etag"]
        account.breaking.seal(Event, event.id, "content")
        with suppress(httpx.RemoteProtocolError):
            person.browser.get(f"/settings/calendars/{calendar_id}/calendar.ics")
        person.send("PATCH", f"/events/{event.id}", json={"busy": False}, if_match=f'"{etag}"')
        account.breaking.seal(Calendar, UUID(calendar_id), "about")
        planning.import_file(person, calendar_id, ics.file("plain").encode())

    def _at_the_providers(self) -> None:
        """What the workers open for a provider: ids, cursors, names to compare, the token."""
        from integrations.models import SetAside

        for account in self.accounts:
            account.compare()
        self._until("provider_sink.pick_parts", "mail")
        aside = [account.ask_again() for account in self.accounts]
        self._until("provider_sink.open_texts", "mail")
        # It would be in the way of what comes after it in a run.
        SetAside.objects.filter(id__in=aside).delete()
        # A run in between writes its own cursor, and a refresh its own token.
        self._until(
            "provider_sink.open_text", "mail", "calendar", again=CanaryAccount.break_cursors
        )
        for account in self.accounts:
            account.breaking.mend()
        self._until("provider_sink.open_credential", "mail", again=CanaryAccount.break_grant)

    def _until(
        self, sink: str, *products: str, again: Callable[[CanaryAccount], object] = lambda _: None
    ) -> None:
        """Wait until that sink failed in a worker, for each account and each of the products."""
        wanted = {(one.provider, str(getattr(one, what))) for one in self.accounts
                  for what in products}  # fmt: skip

        def failed() -> bool:
            for account in self.accounts:
                again(account)
            self.journey.boxes.nudge()
            for line in self._lines():
                if sink in _sinks_in(line):
                    wanted.difference_update({one for one in wanted if one[1] in line})
            return not wanted

        eventually(failed, within=20, says=f"a failure in {sink}", every=0.3)
        for account in self.accounts:
            self.failed[account.provider].add(sink)

    def _note(self, account: CanaryAccount) -> None:
        """Take down what failed since: pages fail before they answer."""
        new = self._lines() - self._seen
        self._seen |= new
        found = {sink for line in new for sink in _sinks_in(line)}
        self.failed.setdefault(account.provider, set()).update(found)

    def _lines(self) -> set[str]:
        folder = self.journey.world.watched / "crashes"
        return {
            line
            for path in folder.glob("*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            # A process may be writing the last one.
            if line.endswith("\n")
        }


def _sinks_in(report: str) -> Iterator[str]:
    """Yield the sinks in which the reported errors occurred, as MODULE.NAME."""
    # Two sinks may have a function of the same name: one of them is explained.
    names = {one.partition(".")[2]: one for one in sinks() if one not in EXPLAINED}
    for error in json.loads(report)["errors"]:
        _, _, where = error["text"].partition(" in ")
        # A function, or a method of a class.
        found = names.get(where.partition(":")[0].rpartition(".")[2])
        if found is not None:
            yield found
