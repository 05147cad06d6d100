"""
Write a usual month of a person: ``python -m tests.browser.history EMAIL``.

Each day: reading of mail and calendar, syncs every few minutes, an inbox widget; and now and then a
refused request, a support agent and a colleague. It runs in the environment of the service.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import django

DAYS = 30
SYNCS_A_DAY = 24
READINGS_A_DAY = 12


def main() -> None:
    django.setup()
    from django.utils import timezone

    from accounts.ids import uuid7
    from accounts.models import User
    from integrations.models import Integration
    from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
    from tests import past_entries

    owner = User.objects.get(email=sys.argv[1])
    subject = Integration.objects.get(connection__user_id=owner.id).id
    client, stranger = uuid7(), uuid7()
    # All entries of a day are of one date, in UTC and in the zones near it.
    today = timezone.now().replace(hour=8, minute=0)
    for day in range(1, DAYS):
        morning = today - timedelta(days=day)
        for number in range(SYNCS_A_DAY):
            past_entries.write_sync(subject, morning + timedelta(minutes=number * 5))
        for number in range(READINGS_A_DAY):
            at = morning + timedelta(minutes=number * 7)
            past_entries.write_use(subject, owner.id, at)
            past_entries.write_use(
                subject,
                owner.id,
                at,
                purpose=Purpose.CALENDAR_SCHEDULE,
                classes=[DataClass.CALENDAR_EVENT],
                feature="calendar",
            )
            past_entries.write_widget_use(subject, client, at)
        if day % 3 == 1:
            past_entries.write_use(
                subject,
                client,
                morning,
                outcome="refused",
                kind="client",
                purpose=Purpose.MARKETING,
                recipient=Recipient.PLATFORM_FEATURE,
                feature="campaigns",
                rule="never-market",
                classes=[DataClass.MAIL_METADATA],
            )
        if day % 6 == 1:
            past_entries.write_use(
                subject,
                stranger,
                morning,
                purpose=Purpose.SUPPORT_ITEM,
                recipient=Recipient.SUPPORT_AGENT,
                feature="support",
                rule="support-reads-one-item",
                count=1,
            )


if __name__ == "__main__":
    main()
