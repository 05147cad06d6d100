"""
The sandbox's initial data: our registration, the target of its notifications, and mailboxes to
connect.

The sandbox keeps everything in memory, so each start writes and reads this file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from config.embedded import demo_calendars
from config.embedded.demo_cast import CAST
from config.embedded.demo_mail import mailboxes as demo_mailboxes
from config.embedded.demo_mail.odd_messages import build_odd_messages
from config.push_settings import PUBSUB_PATH

CLIENT_ID: Final = "antares-demo.apps.sandbox.example"
MICROSOFT_CLIENT_ID: Final = "7d0d4a5c-3c1e-4e0c-9a56-0f6f4a1f3c65"
# Where each provider returns to.
CALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "google": ("/connect/google/callback", "/drive/google/folder"),
    "microsoft": ("/connect/microsoft/callback", "/connect/administrator"),
}
TOPIC: Final = "projects/antares-demo/topics/gmail"
# An account in an organisation that requires admin consent, and its administrator.
ADMINISTERED: Final = CAST["alice-fabrikam"].email
ADMINISTRATOR: Final = CAST["ada"].email
# Alice's second account at Google, with hostile and malformed messages.
ODDITIES: Final = "oddities@workshop.example"
PUSH_ACCOUNT: Final = "push@antares-demo.iam.gserviceaccount.com"
# What Alice has in her Drive. Antares sees a folder of it once she chooses it.
_ALICE_FILES: Final = (
    {"name": "Contracts", "folder": True},
    {"name": "Photos", "folder": True},
    {"name": "Notes.txt", "text": "Not for Antares."},
)
# The service keeps 90 days of mail by default.
_KEPT: Final = timedelta(days=91)


def build_demo_seed(start: datetime) -> Mapping[str, Any]:
    """Return the accounts of the demo. The same `start`, to the minute, gives the same seed."""
    mail = demo_mailboxes.DemoMail(start)
    today = mail.timeline.today
    google = mail.write_mail(*demo_mailboxes.GOOGLE_FILES)
    contoso, fabrikam = mail.write_mail("contoso"), mail.write_mail("fabrikam")
    return {
        "accounts": [
            {
                "email": CAST["alice"].email,
                "name": CAST["alice"].name,
                "size": 900,
                "seed": 1,
                **_describe_older_mail(start, "bob", "carol", "emil", "nadia", "lena", "rosa"),
                "labels": demo_mailboxes.GOOGLE_LABELS,
                "messages": demo_mailboxes.build_mailbox(
                    google, "alice", demo_mailboxes.GOOGLE_LABELS
                ),
                "calendar_fields": demo_calendars.build_google_calendars(today),
                "drive_fields": {"files": _ALICE_FILES},
            },
            {
                "email": CAST["bob"].email,
                "name": CAST["bob"].name,
                "size": 300,
                "seed": 3,
                **_describe_older_mail(start, "alice", "carol", "nadia", "otto"),
                "labels": (),
                "messages": demo_mailboxes.build_mailbox(google, "bob"),
                "calendar_fields": demo_calendars.build_bob_calendars(today),
            },
            {
                "email": ODDITIES,
                "name": "Alice Adler (odd messages)",
                "size": 60,
                "seed": 2,
                "days": 60.0,
                "malformed": 0.3,
                "hostile": 0.3,
                "messages": build_odd_messages(),
            },
        ],
        "microsoft": [
            {
                "email": CAST["alice-contoso"].email,
                "name": CAST["alice-contoso"].name,
                "size": 200,
                "seed": 4,
                **_describe_older_mail(start, "dana", "peter"),
                "labels": demo_mailboxes.CONTOSO_LABELS,
                "zone": "W. Europe Standard Time",
                "messages": demo_mailboxes.build_mailbox(
                    contoso, "alice-contoso", demo_mailboxes.CONTOSO_LABELS
                ),
                "calendar_fields": demo_calendars.build_outlook_calendars(today),
            },
            {
                "email": ADMINISTERED,
                "name": CAST["alice-fabrikam"].name,
                "size": 60,
                "seed": 5,
                **_describe_older_mail(start, "frank", "vera"),
                "labels": (),
                "zone": "W. Europe Standard Time",
                "messages": demo_mailboxes.build_mailbox(fabrikam, "alice-fabrikam"),
                "calendar_fields": demo_calendars.build_fabrikam_calendars(today),
            },
            {
                "email": ADMINISTRATOR,
                "name": CAST["ada"].name,
                "admin": True,
                "mail": False,
                "calendar": False,
            },
        ],
        "tenants": [{"domain": "fabrikam.example", "consent": "admin"}],
    }


def _describe_older_mail(start: datetime, *people: str) -> Mapping[str, Any]:
    """
    Return the fields of generated mail that is older than the service keeps by default.

    Only a search at the provider finds it. `people` are keys of the correspondents.
    """
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "until": int((midnight - _KEPT).timestamp()) * 1000,
        "days": 500.0,
        "malformed": 0.0,
        "hostile": 0.0,
        # Files of generated mail are random bytes, which no program opens.
        "kinds": ("personal", "newsletter", "notification"),
        "label_share": 0.0,
        "people": [(CAST[key].name, CAST[key].email) for key in people],
    }


def write_seed(path: Path, environment: Mapping[str, str], seed: Mapping[str, Any] | None) -> Path:
    """
    Write `seed` and our clients to `path`, readable by its owner only; return `path`.

    :param seed: None: the demo's
    """
    if seed is None:
        seed = build_demo_seed(datetime.now(UTC))
    clients = [
        {
            "client_id": environment[f"{provider.upper()}_CLIENT_ID"],
            "client_secret": environment[f"{provider.upper()}_CLIENT_SECRET"],
            "redirect_uris": [f"{environment['PUBLIC_URL']}{path}" for path in paths],
            "name": "Antares Integrations",
        }
        for provider, paths in CALLBACKS.items()
    ]
    path.touch(mode=0o600)
    subscription = {
        "topic": TOPIC,
        "endpoint": environment["PUBLIC_URL"] + PUBSUB_PATH,
        "account": PUSH_ACCOUNT,
    }
    everything = {**seed, "clients": clients, "pubsub": [subscription]}
    path.write_text(json.dumps(everything), encoding="utf-8")
    return path
