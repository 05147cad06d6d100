"""
Open a look-up: ``python -m tests.browser.support_lookup AGENT PERSON`` prints its id.

Both are sign-in addresses. It runs in the environment of the service.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import django


def main() -> None:
    django.setup()
    from django.utils import timezone

    from accounts.ids import uuid7
    from accounts.models import User
    from integrations.models import LookupMeans, SupportLookup, SupportReason

    agent, person = (User.objects.get(email=email) for email in sys.argv[1:])
    at = timezone.now()
    lookup = SupportLookup.objects.create(
        search_id=uuid7(),
        agent_id=agent.id,
        means=LookupMeans.ADDRESS,
        user=person,
        reason=SupportReason.OWNER_ASKED,
        opened_at=at,
        expires_at=at + timedelta(minutes=30),
        # No notice of the look-up counts at the bell.
        notified_at=at,
    )
    sys.stdout.write(str(lookup.id))


if __name__ == "__main__":
    main()
