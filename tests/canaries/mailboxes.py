"""What stands at the provider: three mailboxes with canaries in everything, and its bad moods."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.canaries import fields, letter
from tests.canaries.appointment import calendar_fields, team
from tests.canaries.marks import ALICE, BOB, MALLORY, Marks
from tests.canaries.world import CanaryWorld
from tests.smoke.walk import eventually

SIZES = {ALICE: 16, BOB: 8, MALLORY: 4}
# Due now, whatever the service has in mind.
_NUDGE = """
UPDATE integrations_syncwork SET next_sync_at = now() - interval '1 second', failure_count = 0
 WHERE lease_until IS NULL OR lease_until < now()
"""
# The same of what a provider is to tell of: on a busy machine its try of our address may time out,
# and that is left alone for an hour.
_NUDGE_WATCHES = """
UPDATE integrations_watch SET due_at = now() - interval '1 second'
 WHERE status = 'wanted' AND (lease_until IS NULL OR lease_until < now())
"""
_UNPARK = "UPDATE integrations_quotabucket SET parked_until = NULL"


@dataclass
class Mailboxes:
    world: CanaryWorld
    marks: Marks

    def seed(self) -> None:
        self.world.sandbox.dial(units_per_minute=0, concurrency=0)
        for number, (owner, size) in enumerate(SIZES.items()):
            self._account(owner, size, number)

    def _account(self, owner: str, size: int, seed: int) -> None:
        mark, sandbox = self.marks.of(owner), self.world.sandbox
        claims = {
            name: f"{mark}-claim{name.replace('_', '')}"
            for name in fields.CLAIMS
            if f"claim.{name}" in fields.SEEDED and name not in {"email", "hd", "name"}
        }
        sandbox.seed(
            self.marks.account(owner),
            name=f"{mark}-claimname",
            hosted_domain=f"{mark}-claimhd.example",
            claims=claims,
            size=size,
            seed=seed,
            days=30,
            canary=mark,
            hostile=0.1,
            malformed=0.1,
            calendar_fields=calendar_fields(mark, series_id=f"{mark}series", team_id=team(mark)),
        )
        for _ in range(2):
            self.deliver(owner, raw=letter.raw(mark), labels=self._labels())

    def _labels(self) -> list[str]:
        # The first of a mailbox's own; its name has a canary by the sandbox's doing.
        return ["INBOX", "UNREAD", "Label_1"]

    def deliver(self, owner: str, **more: Any) -> dict[str, Any]:
        return self.world.sandbox.deliver(self.marks.account(owner), **more)

    def nudge(self) -> None:
        with psycopg.connect(self.world.urls.database, autocommit=True) as connection:
            connection.execute(_UNPARK)
            connection.execute(_NUDGE)
            connection.execute(_NUDGE_WATCHES)

    def answered(self, text: str) -> bool:
        """Return whether the provider said `text` to the service by now."""
        found = text.encode()
        return any(found in data for data in self.world.relay.answered())

    def misbehave(self, text: str, **fault: Any) -> None:
        """Let the provider go wrong once, saying `text`, and wait until it was heard."""
        self.world.sandbox.fail_next(1, **fault)

        def is_answered() -> bool:
            self.nudge()
            return self.answered(text)

        try:
            eventually(
                is_answered,
                within=20,
                says=f"the provider's {text[len(self.marks.of('')) :]}",
                every=0.3,
            )
        finally:
            self.world.sandbox.clear_faults()

    def error(self, owner: str, status: int) -> dict[str, Any]:
        """Return an error in Google's envelope with a canary in every text of it."""
        mark = self.marks.of(owner)

        def make_canary(name: str) -> str:
            return f"{mark}-error{name}"

        return {
            "error": {
                "code": status,
                "message": make_canary("message"),
                "status": make_canary("status"),
                "errors": [
                    {
                        "message": make_canary("errorsmessage"),
                        "reason": make_canary("errorsreason"),
                        "domain": make_canary("errorsdomain"),
                        "location": make_canary("errorslocation"),
                        "locationType": make_canary("errorslocationtype"),
                    }
                ],
                "details": [
                    {
                        "@type": make_canary("detailstype"),
                        "reason": make_canary("detailsreason"),
                        "domain": make_canary("detailsdomain"),
                    }
                ],
            },
            "text": make_canary("text"),
        }

    def crafted(self, owner: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Return a message as the sandbox itself would never write it."""
        mark = self.marks.of(owner)
        text = base64.urlsafe_b64encode(f"{mark}-craftedtext".encode()).decode()
        return {
            "id": message["id"],
            "threadId": message["threadId"],
            "labelIds": ["INBOX", f"{mark}-labelid"],
            "snippet": f"{mark}-text",
            "historyId": message["historyId"],
            "internalDate": str(message["date"]),
            "sizeEstimate": 100,
            "classificationLabelValues": [
                {
                    "labelId": f"{mark}-classificationlabel",
                    "fields": [
                        {
                            "fieldId": f"{mark}-classificationfield",
                            "selection": f"{mark}-classificationselection",
                        }
                    ],
                }
            ],
            "payload": {
                "mimeType": "text/plain",
                "headers": [{"name": "Subject", "value": f"{mark}-craftedsubject"}],
                "body": {"size": 30, "data": text},
            },
            **more,
        }


def moods(boxes: Mailboxes, owner: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return what the API's answers are made to be: a name, a text to wait for, the fault."""
    mark = boxes.marks.of(owner)
    gmail = {"path_prefix": "/gmail/v1/users/me/history"}
    for status in (400, 403, 429, 500, 503):
        body = boxes.error(owner, status)
        body["error"]["message"] += str(status)
        header = {"www-authenticate": f"{mark}-errorheader", "x-more": f"{mark}-errorheader"}
        fault = {**gmail, "status": status, "body": body, "headers": header}
        yield str(status), f"{mark}-errormessage{status}", fault
    page = f"<html>{mark}-errorpage</html>"
    yield "a page", f"{mark}-errorpage", {**gmail, "status": 502, "body": page}
    strange = f'{{"history": "{mark}-errorshape"}}'
    yield "a shape", f"{mark}-errorshape", {**gmail, "status": 200, "body": strange}
