"""Delivery status notifications (RFC 3464). Mail to `BOUNCING_DOMAINS` comes back."""

import secrets
from email.utils import formatdate

from integrations.sandbox.mail import mime
from integrations.sandbox.mail.message_references import get_header_block
from integrations.sandbox.mail.sent_mail import read_header

BOUNCING_DOMAINS = frozenset({"bounce.example"})
# (sender, subject's beginning) by provider.
SENDERS = {
    "google": ("Mail Delivery Subsystem", "mailer-daemon@googlemail.com"),
    "microsoft": ("Microsoft Outlook", "postmaster@outlook.example"),
}
SUBJECTS = {
    "google": "Delivery Status Notification (Failure)",
    "microsoft": "Undeliverable: {subject}",
}
STATUS = "5.1.1"
DIAGNOSTIC = "smtp; 550 5.1.1 The email account that you tried to reach does not exist."


def is_bouncing(address: str) -> bool:
    return address.rpartition("@")[2] in BOUNCING_DOMAINS


def make_bounce(provider: str, sender: str, recipient: str, raw: bytes, now: float) -> bytes:
    """:param raw: the mail that was sent"""
    message_id = read_header(raw, "Message-ID")
    subject = SUBJECTS[provider].format(subject=read_header(raw, "Subject"))
    headers = [
        ("From", mime.format_address(*SENDERS[provider])),
        ("To", sender),
        ("Subject", subject),
        ("Date", formatdate(now)),
        ("Message-ID", f"<{secrets.token_hex(12)}@{SENDERS[provider][1].partition('@')[2]}>"),
        ("In-Reply-To", message_id),
        ("References", message_id),
        ("Auto-Submitted", "auto-replied"),
        ("X-Failed-Recipients", recipient),
    ]
    text = f"Your message wasn't delivered to {recipient} because the address couldn't be found.\n"
    status = (
        f"Reporting-MTA: dns; mail.{provider}.example\r\n"
        f"Arrival-Date: {formatdate(now)}\r\n"
        "\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\n"
        "Action: failed\r\n"
        f"Status: {STATUS}\r\n"
        f"Diagnostic-Code: {DIAGNOSTIC}\r\n"
    )
    parts = [
        mime.make_text(text, "plain"),
        mime.make_part("message/delivery-status", status.encode()),
        mime.make_part("text/rfc822-headers", get_header_block(raw) + b"\r\n"),
    ]
    boundary = f"_report_{secrets.token_hex(8)}"
    content = mime.make_multipart(
        "report", boundary, parts, parameters="; report-type=delivery-status"
    )
    return mime.make_message(headers, content)
