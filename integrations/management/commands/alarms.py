"""
Open alarms: `manage.py alarms` lists them, `… alarms settle ID --reason "…"` settles one.

If its cause persists, a settled alarm is raised again as a new one. Settling writes a ledger
entry, so production runs it with PROCESS_CLASS=purge: the console may not write there.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import alarms
from accounts.models import Alarm
from integrations.operations import alarm_guide, open_alarms
from limited_use.usage import settled_alarms


class Command(BaseCommand):
    help = "List the open alarms, or settle one with a reason."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step")
        settle = steps.add_parser("settle", help="settle an alarm")
        settle.add_argument("id", help="the id from the list")
        # Required; checked later, for a one-line error without argparse's usage.
        settle.add_argument("--reason", default="", help="stored with the alarm")

    def handle(self, *, step: str | None, **options: Any) -> None:
        if step == "settle":
            self.stdout.write(_settle_alarm(options["id"], options["reason"]))
            return
        listed = open_alarms.list_open_alarms()
        for alarm in listed:
            self.stdout.write(_describe_alarm(alarm))
        self.stdout.write(f"{len(listed)} open alarms" if listed else "no open alarms")


def _settle_alarm(alarm_id: str, reason: str) -> str:
    """:raises CommandError: if the alarm cannot be settled"""
    try:
        alarm = settled_alarms.settle_alarm(UUID(alarm_id), reason=reason, at=timezone.now())
    except ValueError:
        raise CommandError("this is not the id of an alarm") from None
    except alarms.AlarmNotSettled as error:
        raise CommandError(str(error)) from None
    return f"{alarm.id} is settled: {alarm.kind}"


def _describe_alarm(alarm: Alarm) -> str:
    """Return the alarm and the next step, a line each. Details are only ids and fixed texts."""
    head = (
        str(alarm.id),
        alarm.kind,
        f"since {alarm.raised_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        f"raised {alarm.count} times, last {alarm.last_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        " ".join(f"{key}={value}" for key, value in open_alarms.list_alarm_details(alarm)),
    )
    return f"{'  '.join(head).rstrip()}\n    {alarm_guide.get_alarm_next_step(alarm.kind)}"
