"""
The sandbox's initial data: our registration, the target of its notifications, and mailboxes to
connect.

The sandbox keeps everything in memory, so each start writes and reads this file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from config.embedded import demo_calendars
from config.push_settings import PUBSUB_PATH

CLIENT_ID: Final = "antares-demo.apps.sandbox.example"
MICROSOFT_CLIENT_ID: Final = "7d0d4a5c-3c1e-4e0c-9a56-0f6f4a1f3c65"
# Paths below `/connect/`.
CALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "google": ("google/callback",),
    "microsoft": ("microsoft/callback", "administrator"),
}
TOPIC: Final = "projects/antares-demo/topics/gmail"
# An account in an organisation that requires admin consent, and its administrator.
ADMINISTERED: Final = "alice@fabrikam.example"
ADMINISTRATOR: Final = "ada@fabrikam.example"
PUSH_ACCOUNT: Final = "push@antares-demo.iam.gserviceaccount.com"
# The newest Outlook messages, which share the first page with Gmail's. `Label_1` is a category.
_LETTERS: Final = (
    {
        "sender": "Dana Diaz",
        "sender_email": "dana.diaz@contoso.example",
        "subject": "Contract with Fabrikam: the draft",
        "text": "Hello Alice,\n\nhere is the draft for our meeting. Page 3 is new.\n\nDana",
        "attachments": [
            {"filename": "draft.txt", "content_type": "text/plain", "text": "The draft."}
        ],
        "labels": ["INBOX", "UNREAD", "STARRED", "Label_1"],
    },
    {
        "sender": "Travel desk",
        "sender_email": "travel@contoso.example",
        "subject": "Your train to Munich",
        "text": "Carriage 23, seats 41 and 42. The hotel is a short walk from the station.",
        "labels": ["INBOX", "UNREAD"],
    },
)
# Parsing this markup would need a gigabyte of memory, so only its text is shown.
_COSTLY: Final = {
    "sender": "Mallory",
    "sender_email": "mallory@stranger.example",
    "subject": "Nine hundred fonts",
    "text": "",
    "html": "<p>" + "".join(f"<font size={n}>" for n in range(900)) + "<p>Read me. " * 6_000,
    "labels": ["INBOX", "UNREAD"],
}


def build_demo_seed(today: date) -> Mapping[str, Any]:
    return {
        "accounts": [
            {
                "email": "alice.adler@gmail.example",
                "name": "Alice Adler",
                "size": 600,
                "seed": 1,
                "calendar_fields": demo_calendars.build_google_calendars(today),
            },
            {
                "email": "alice@workshop.example",
                "name": "Alice Adler",
                "size": 60,
                "seed": 2,
                "messages": [_COSTLY, {"raw": _build_nested_message(200)}],
            },
            {"email": "bob.brandt@gmail.example", "name": "Bob Brandt", "size": 300, "seed": 3},
        ],
        "microsoft": [
            {
                "email": "alice.adler@contoso.example",
                "name": "Alice Adler",
                "size": 200,
                "seed": 4,
                "labels": ["Contracts", "Travel"],
                "zone": "W. Europe Standard Time",
                "messages": list(_LETTERS),
                "calendar_fields": demo_calendars.build_outlook_calendars(today),
            },
            {"email": ADMINISTERED, "name": "Alice Adler", "size": 60, "seed": 5},
            {
                "email": ADMINISTRATOR,
                "name": "Ada Abbott",
                "admin": True,
                "mail": False,
                "calendar": False,
            },
        ],
        "tenants": [{"domain": "fabrikam.example", "consent": "admin"}],
    }


def _build_nested_message(depth: int) -> str:
    """Return a message of `depth` nested parts in base64url, which is quarantined."""
    message = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
    for level in range(depth):
        begin = f'Content-Type: multipart/mixed; boundary="{level}"\r\n\r\n--{level}\r\n'
        message = begin.encode() + message + f"\r\n--{level}--\r\n".encode()
    head = b"From: Mallory <mallory@stranger.example>\r\nSubject: Two hundred levels\r\n"
    return base64.urlsafe_b64encode(head + message).decode()


def write_seed(path: Path, environment: Mapping[str, str], seed: Mapping[str, Any] | None) -> Path:
    """
    Write `seed` and our clients to `path`, readable by its owner only; return `path`.

    :param seed: None: the demo's
    """
    if seed is None:
        seed = build_demo_seed(datetime.now(UTC).date())
    clients = [
        {
            "client_id": environment[f"{provider.upper()}_CLIENT_ID"],
            "client_secret": environment[f"{provider.upper()}_CLIENT_SECRET"],
            "redirect_uris": [
                f"{environment['PUBLIC_URL']}/connect/{callback}" for callback in callbacks
            ],
            "name": "Antares Integrations",
        }
        for provider, callbacks in CALLBACKS.items()
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
