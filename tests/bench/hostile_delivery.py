"""Part of `hostile`: sends mail to the sandbox's mailboxes, steadily, some of it hostile."""

from __future__ import annotations

import itertools
import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.bench import hostile_mail
from tests.bench.mailbox import WORDS
from tests.worlds.sandbox import Sandbox

SUBJECT = "Ordinary mail"
_KINDS = (*hostile_mail.MESSAGES, *hostile_mail.ANSWERS)


@dataclass(frozen=True)
class Good:
    """An ordinary message: its number, to whom it was sent, and when (`time.monotonic`)."""

    number: int
    email: str
    sent_at: float

    @property
    def subject(self) -> str:
        return f"{SUBJECT} {self.number}"

    @property
    def token(self) -> str:
        """What stands in its text, and in no other."""
        return f"token{self.number}x"


@dataclass
class Delivery:
    """
    :param emails: the mailboxes, in turn
    :param per_second: how many messages, hostile ones included
    :param hostile: one in so many is hostile
    :param good: what was sent, by subject
    """

    sandbox: Sandbox
    emails: list[str]
    per_second: float
    hostile: int
    good: dict[str, Good] = field(default_factory=dict)
    hostile_count: int = 0

    def send_each_kind(self) -> None:
        """Send one message of each kind: what memory a process needs, it has from then on."""
        for kind, email in zip(_KINDS, itertools.cycle(self.emails), strict=False):
            self._send_hostile(email, kind)
            self.hostile_count += 1

    def send(self, seconds: float) -> None:
        """Send for so long. A large message is sent beside the others and delays none of them."""
        begin = time.monotonic()
        kinds, rng = itertools.cycle(_KINDS), random.Random(12)  # noqa: S311 - repeatable
        large: list[Future[None]] = []
        with ThreadPoolExecutor(2) as beside:
            for number in range(int(seconds * self.per_second)):
                time.sleep(max(0.0, begin + number / self.per_second - time.monotonic()))
                email = self.emails[number % len(self.emails)]
                # Not a multiple of the mailboxes: every one of them gets hostile mail.
                if number % self.hostile == (number // self.hostile) % self.hostile:
                    large.append(beside.submit(self._send_hostile, email, next(kinds)))
                    self.hostile_count += 1
                else:
                    self._send_good(email, number, rng)
        for sent in large:
            sent.result()

    def _send_good(self, email: str, number: int, rng: random.Random) -> None:
        good = Good(number, email, time.monotonic())
        words = rng.choices(WORDS, k=rng.randrange(20, 600))
        text = f"{good.token} {' '.join(words)}"
        html = f"<html><body><style>p{{color:#333}}</style><p>{text}</p></body></html>"
        attachments = [{"filename": "plan.txt", "text": " ".join(words) * 10}]
        self.good[good.subject] = good
        self.sandbox.deliver(
            email,
            subject=good.subject,
            text=text,
            html=html if number % 2 else "",
            attachments=attachments if number % 10 == 0 else [],
        )

    def _send_hostile(self, email: str, kind: str) -> None:
        if kind in hostile_mail.MESSAGES:
            self.sandbox.deliver(email, raw=hostile_mail.MESSAGES[kind](kind))
            return
        sent = self.sandbox.deliver(email, subject=kind)
        answer = hostile_mail.ANSWERS[kind](sent["id"].encode(), sent["date"])
        self.sandbox.fail_next(path_suffix=f"/{sent['id']}", status=200, body=answer.decode())
