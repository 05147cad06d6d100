"""
Messages with a word in each field: sent, undone and refused; and every door that a campaign tries.

What is sent is at the provider afterwards, and nowhere in the service.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.canaries import fields
from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually, must

#: People to whom a campaign would write.
_CROWD: Final = 500
_REFUSED: Final = 403


@dataclass
class CanarySending:
    journey: Journey

    @property
    def person(self) -> SmokePerson:
        return self.journey.cast[ALICE]

    @property
    def mailbox(self) -> str:
        return str(self.journey.integration(ALICE)["id"])

    def try_doors(self) -> str:
        """Send, propose, invite, upload and read the outbox as a marketing feature."""
        journey, rules = self.journey, []
        sent_before = journey.world.sandbox.sent()
        draft = self._draft("campaign")
        crowd = [{"address": f"p{number}@x.example"} for number in range(_CROWD)]
        event = {
            "calendar_id": self.mailbox,
            "title": f"{journey.marks.typed}-campaigninvitation",
            "when": {"object": "datespan", "start": "2030-01-01", "end": "2030-01-02"},
            "participants": [{"email": one["address"]} for one in crowd],
            "notify": "all",
        }
        doors: tuple[tuple[str, str, Any], ...] = (
            ("POST", "/outbox", draft),
            ("GET", "/outbox", None),
            ("POST", "/proposals", {**draft, "to": crowd}),
            ("GET", "/proposals", None),
            ("POST", "/events", event),
        )
        delegation = journey.cast.delegation_of_campaigns
        with journey.cast.client("campaigns", delegation, of=ALICE) as http:
            for number, (method, path, body) in enumerate(doors):
                answer = http.request(
                    method,
                    f"/v1/users/me{path}",
                    json=body,
                    headers={"Idempotency-Key": f"a-door-of-a-campaign-{number}"},
                )
                must(answer.status_code == _REFUSED, f"{path}: answered {answer.status_code}")
                refusal = answer.json()
                must({"ledger_entry", "clauses"} <= refusal.keys(), f"{path}: not recorded")
                rules.append(str(refusal["rule"]))
            upload = http.post(f"/uploads/?mailbox={self.mailbox}")
        must(upload.status_code == _REFUSED, f"a file was answered {upload.status_code}")
        must(journey.world.sandbox.sent() == sent_before, "something left")
        return f"{len(doors) + 1} doors; {', '.join(sorted(set(rules)))}; nothing left"

    def send(self) -> str:
        """Allow sending, send one message, undo one, and be refused with words in every field."""
        sandbox = self.journey.world.sandbox
        self._refuse("noagreement", 409)
        page = self.person.browser.get("/inbox/compose/")
        must("sending/allow" in page.url, f"writing did not ask, but showed {page.url}")
        self.person.agree_at_provider(page, self.journey.marks.account(ALICE))
        self._list_senders()
        self._refuse("noaddress", 400, to=[{"address": f"{self.journey.marks.typed}-nowhere"}])
        crowd = [{"address": f"p{number}@x.example"} for number in range(_CROWD)]
        self._refuse("crowd", _REFUSED, to=crowd)
        self._refuse("unknown", 404, mailbox="00000000-0000-7000-8000-000000000001")
        undone = self._post("undone")
        must(undone.status_code == 202, f"a message was answered {undone.status_code}")
        taken_back = self.person.send("POST", f"/outbox/{undone.json()['id']}/undo")
        must(taken_back.status_code == 200, f"undo was answered {taken_back.status_code}")
        before = len(sandbox.sent())
        sent = self._post("sent", undo_seconds=5)
        must(sent.status_code == 202, f"a message was answered {sent.status_code}")
        path = f"/outbox/{sent.json()['id']}"
        eventually(
            lambda: self.person.api(path)["state"] in {"sent", "failed", "unknown"},
            within=60,
            says="a message of the outbox to be settled",
            every=0.5,
        )
        state = self.person.api(path)["state"]
        must(state == "sent", f"the message is {self.person.api(path)}")
        must(len(sandbox.sent()) == before + 1, "it was not sent once")
        return "one sent once, one undone, four refused"

    def _list_senders(self) -> None:
        """List the addresses that the person sends from: one with a canary in each field."""
        mark = self.journey.marks.of(ALICE)
        sender = {name: f"{mark}-{word}" for name, word in fields.SEND_AS.items()}
        relay = {name: f"{mark}-{word}" for name, word in fields.SMTP_MSA.items()}
        addresses = [
            {**sender, "smtpMsa": relay},
            # Addresses with any other status are not listed.
            {**sender, "verificationStatus": "accepted"},
        ]
        self.journey.world.sandbox.fail_next(
            1, path_contains="/settings/sendAs", status=200, body={"sendAs": addresses}
        )
        page = self.person.browser.get(f"/inbox/compose/senders/?mailbox={self.mailbox}")
        listed = [found["address"] for found in json.loads(page.text)["addresses"]]
        must(listed == [sender["sendAsEmail"]], f"{len(listed)} addresses were listed")

    def _refuse(self, word: str, status: int, **more: Any) -> None:
        answer = self._post(word, **more)
        must(answer.status_code == status, f"{word}: answered {answer.status_code}")

    def _post(self, word: str, **more: Any) -> httpx.Response:
        answer: httpx.Response = self.person.send(
            "POST",
            "/outbox",
            json={**self._draft(word), **more},
            idempotency_key=f"{self.journey.marks.typed}-key{word}",
        )
        return answer

    def _draft(self, word: str) -> dict[str, Any]:
        typed = self.journey.marks.typed
        return {
            "mailbox": self.mailbox,
            "to": [{"name": f"{typed}-{word}name", "address": f"{typed}-{word}@x.example"}],
            "subject": f"{typed}-{word}subject",
            "text": f"{typed}-{word}text",
        }
