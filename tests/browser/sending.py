"""Agreement to sending mail from a mailbox, in a process of the service: its id is an argument."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from integrations.models import Integration  # noqa: E402 - after the setup
from tests.api import cast  # noqa: E402

if __name__ == "__main__":
    mailbox = Integration.objects.select_related("connection").get(id=sys.argv[1])
    cast.allow_sending(mailbox.connection)
