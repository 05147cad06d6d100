"""Fictitious mail of the examples: nobody's, and without a marker of the canary run."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Final

from tests.integrations.google import ALICE_BOX

SENDER: Final = "Dana Reyes <dana.reyes@northwind.example>"
FIRST_ID: Final = "<plan-1@northwind.example>"
FIGURES: Final = "region,calls\nNorth,412\nSouth,388\n"


def make_mail() -> list[bytes]:
    """Return a message with a file, its answer, and another message."""
    plan = _make_message(
        "Plan for the second quarter",
        "Hello Alice,\n\nattached are the figures of the first quarter. Shall we meet on Wednesday?"
        "\n\nDana\n",
        FIRST_ID,
    )
    plan.add_attachment(FIGURES.encode(), maintype="text", subtype="csv", filename="figures.csv")
    answer = _make_message(
        "Re: Plan for the second quarter", "Wednesday at ten suits me.\n", "<plan-2@example.com>"
    )
    answer["In-Reply-To"] = answer["References"] = FIRST_ID
    welcome = _make_message(
        "New number of the front desk", "From today: +1 555 0142.\n", "<desk@northwind.example>"
    )
    return [bytes(message) for message in (welcome, answer, plan)]


def _make_message(subject: str, text: str, message_id: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = f"Alice <{ALICE_BOX}>"
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message["Date"] = "Mon, 02 Mar 2026 08:00:00 +0000"
    message.set_content(text)
    return message
