"""Forty mailboxes at both providers, and messages that they send while everything fails."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from django.utils import timezone

from integrations.models import OutboxCommand, OutboxState
from integrations.providers import PROVIDERS
from tests.integrations import household as houses
from tests.integrations.household import Household
from tests.integrations.outbox import sending
from tests.races.killed_sender import FAILED
from tests.worlds.microsoft import MAIL, MicrosoftSandbox
from tests.worlds.processes import environment
from tests.worlds.sandbox import GMAIL_READONLY, Sandbox

#: Lines of `killed_sender.STEPS` that a turn runs, at most.
LINES = 260
_COMPOSE = "https://www.googleapis.com/auth/gmail.compose"
_GOOGLE_SCOPE = f"openid email {GMAIL_READONLY} {_COMPOSE}"
_SEND_PATHS = {"google": "/drafts/send", "microsoft": "/send"}
_DRAFT_PATHS = {"google": "/drafts", "microsoft": "/messages"}
#: Nothing shows what became of a message whose draft is deleted while it is sent.
DRAFT_DELETED = "send: lost, draft deleted"
_DELETED_SHARE = 0.2
_EDITS = frozenset({"send: lost, draft edited", DRAFT_DELETED})


class SenderProcess:
    """`killed_sender`, in a process of its own."""

    def __init__(self, **more: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.killed_sender"],
            env=environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def take_turn(
        self, command: OutboxCommand, *, seconds: float, line: int = 0, place: str = ""
    ) -> int:
        asked = {"command": str(command.id), "seconds": seconds, "line": line, "place": place}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        finally:
            self._process.kill()
            self._process.stdout.close()


def get_email(house: Household) -> str:
    return f"{house.user.name}@example.com"


def make_mailboxes(sandbox: Sandbox, microsoft: MicrosoftSandbox, count: int) -> list[Household]:
    """Return `count` mailboxes, each of a person, half of them at each provider."""
    mailboxes = []
    for number in range(count):
        name = f"sender{number}"
        email = f"{name}@example.com"
        if number % 2:
            microsoft.seed(email, size=0)
            granted = microsoft.authorize(email, MAIL)
            provider = "microsoft"
        else:
            sandbox.seed(email, size=0)
            granted = sandbox.authorize(email, _GOOGLE_SCOPE)
            provider = "google"
        house = houses.household(
            who=houses.person(name, at=timezone.now()),
            tokens=(granted["access_token"], granted["refresh_token"]),
            features=("inbox", "mail-sending"),
        )
        house.connection.provider = provider
        scopes = PROVIDERS[provider].capabilities["mail.read"].scopes
        house.connection.granted_scopes = sorted(scopes)
        house.connection.save(update_fields=["provider"])
        mailboxes.append(sending.allow_sending(house))
    return mailboxes


@dataclass
class SendingUnderFaults:
    """
    :param seed: of all choices
    :param faults: how often each was injected
    :param deleted: tags of messages whose draft was deleted before a provider accepted them
    """

    sandbox: Sandbox
    process: SenderProcess
    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    deleted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - repeats a run

    def send(self, house: Household, number: int) -> OutboxCommand:
        """Send one message, with a fault and a kill, until nothing is due."""
        provider = house.connection.provider
        written = sending.write(to="bob@elsewhere.example", subject=f"Message {number}")
        command = sending.order(house, written)
        fault = self._inject_fault(provider)
        kills = self.random.choice((0, 1, 1, 2))
        skipped = 6.0
        for _ in range(80):
            line = self.random.randint(1, LINES) if kills else 0
            kills = max(0, kills - 1)
            ended = self.process.take_turn(command, seconds=skipped, line=line)
            assert ended != FAILED
            self.faults["killed"] += ended == -9
            command.refresh_from_db()
            if command.due_at is None:
                break
            if fault in _EDITS and command.state == OutboxState.SENDING:
                self._change_draft(house, fault, str(command.id))
                fault = ""
            skipped = self.skip_to(command, skipped)
        self.sandbox.clear_faults()
        self.sandbox.dial(gmail_send_seconds=0.0, graph_send_seconds=0.0, graph_outbox=True)
        return command

    def _change_draft(self, house: Household, fault: str, tag: str) -> None:
        """As the owner does in the provider's own client, unless the draft is gone already."""
        where = {"email": get_email(house), "provider": house.connection.provider}
        with suppress(RuntimeError):
            if fault == DRAFT_DELETED:
                self.sandbox.delete_draft(**where)
                if not self.sandbox.sent(tag=tag):
                    self.deleted.add(tag)
            else:
                self.sandbox.edit_draft(text="Changed elsewhere.", **where)

    def skip_to(self, command: OutboxCommand, skipped: float) -> float:
        """Let the clocks of the worker and of the provider run until the command is due."""
        due = max(command.due_at, command.lease_until or command.due_at)
        ahead = (due - timezone.now()).total_seconds() + 0.01
        self.sandbox.advance(max(0.0, ahead - skipped))
        return max(skipped, ahead)

    def _inject_fault(self, provider: str) -> str:
        send, draft = _SEND_PATHS[provider], _DRAFT_PATHS[provider]
        choices: dict[str, dict[str, Any]] = {
            "none": {},
            "send: answer lost": {"path_suffix": send, "drop": "after"},
            "send: request lost": {"path_suffix": send, "drop": "before"},
            "send: 503 after acceptance": {"path_suffix": send, "status": 503, "after": True},
            "send: 503": {"path_suffix": send, "status": 503},
            "send: 429": {"path_suffix": send, "status": 429},
            "draft: answer lost": {"path_suffix": draft, "method": "POST", "drop": "after"},
            "draft: 503": {"path_suffix": draft, "method": "POST", "status": 503},
            "sent late": {},
            "sent late, answer lost": {"path_suffix": send, "drop": "after"},
            "sent late from drafts": {},
            "sent late from drafts, answer lost": {"path_suffix": send, "drop": "after"},
            "send: lost, draft edited": {"path_suffix": send, "drop": "before"},
        }
        name = self.random.choice(list(choices))
        if self.random.random() < _DELETED_SHARE:
            name = DRAFT_DELETED
            choices[name] = {"path_suffix": send, "drop": "before"}
        self.faults[name] += 1
        if name.startswith("sent late"):
            # Outlook shows a message that it has accepted in the Outbox, or still as a draft.
            self.sandbox.dial(
                gmail_send_seconds=40.0,
                graph_send_seconds=40.0,
                graph_outbox=not name.startswith("sent late from drafts"),
            )
        if choices[name]:
            self.sandbox.fail_next(count=self.random.choice((1, 1, 2)), **choices[name])
        return name


@dataclass(frozen=True)
class SendingReport:
    """
    What became of messages, by the outbox and by the provider's own journal.

    :param unresolvable: tags of messages that no look at the provider can tell from sent ones
    """

    states: Counter[str]
    accepted: Counter[str]
    commands: dict[str, OutboxCommand]
    unresolvable: frozenset[str]

    @classmethod
    def read(cls, sandbox: Sandbox, *, deleted: set[str]) -> SendingReport:
        commands = {str(command.id): command for command in OutboxCommand.objects.all()}
        states = Counter(command.state for command in commands.values())
        accepted = Counter(mail["tag"] for mail in sandbox.sent())
        unresolvable = frozenset(tag for tag in deleted if not accepted[tag])
        return cls(states, accepted, commands, unresolvable)

    @property
    def duplicates(self) -> list[str]:
        return [tag for tag, count in self.accepted.items() if count > 1]

    @property
    def lost(self) -> list[str]:
        """Messages that count as sent, and that no provider accepted."""
        return [
            tag
            for tag, command in self.commands.items()
            if command.state == OutboxState.SENT and not self.accepted[tag]
        ]

    @property
    def wrongly_failed(self) -> list[str]:
        """Messages that count as not sent, and that a provider accepted."""
        return [
            tag
            for tag, command in self.commands.items()
            if command.state in {OutboxState.FAILED, OutboxState.UNDONE} and self.accepted[tag]
        ]

    @property
    def unsettled(self) -> list[str]:
        return [tag for tag, command in self.commands.items() if command.due_at is not None]

    @property
    def falsely_known(self) -> list[str]:
        """Messages of which nothing can be known, and that do not count as unknown."""
        return [tag for tag in self.unresolvable if self.commands[tag].state != OutboxState.UNKNOWN]

    @property
    def unknown_share(self) -> float:
        """The unknown ones among the messages that can be resolved."""
        resolvable = [row for tag, row in self.commands.items() if tag not in self.unresolvable]
        unknown = sum(command.state == OutboxState.UNKNOWN for command in resolvable)
        return unknown / max(1, len(resolvable))

    def __str__(self) -> str:
        total, unresolvable = len(self.commands), len(self.unresolvable)
        return (
            f"{total} messages: {dict(self.states)};"
            f" {len(self.duplicates)} duplicates, {len(self.lost)} lost,"
            f" {len(self.wrongly_failed)} wrongly failed,"
            f" {unresolvable} unresolvable ({len(self.falsely_known)} of them not unknown),"
            f" {100 * self.unknown_share:.1f} % of {total - unresolvable} others unknown"
        )
