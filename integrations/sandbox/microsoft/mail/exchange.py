"""
What Exchange makes of a message before Graph shows it.

A plain text becomes HTML of a known form; an invitation has no file; a message that is signed or
encrypted by S/MIME is one file. Internet headers that are missing are a fault: `graph/faults.py`.
learn.microsoft.com/graph/api/resources/message and …/resources/attachment
"""

import base64
import re
from html import escape
from typing import Any

from integrations.sandbox.mail.splitting import Part
from integrations.sandbox.microsoft.graph import problems

FROM_TEXT = (
    '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    '<meta name="Generator" content="Microsoft Exchange Server">\r\n<!-- converted from text -->'
    "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px "
    'solid; } --></style></head>\r\n<body>\r\n<font size="2"><span style="font-size:11pt;">'
    '<div class="PlainText">{lines}</div></span></font>\r\n</body>\r\n</html>\r\n'
)
ANSWER = 5
PROPERTIES = frozenset(
    one.lower()
    for one in (
        "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
        "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId",
        "internetMessageHeaders", "subject", "body", "bodyPreview", "importance", "parentFolderId",
        "sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
        "conversationId", "conversationIndex", "uniqueBody", "isDeliveryReceiptRequested",
        "isReadReceiptRequested", "isRead", "isDraft", "webLink", "inferenceClassification", "flag",
    )
)  # fmt: skip
_WANTED = re.compile(r"id\s+eq\s+'([^']+)'", re.IGNORECASE)
_EXPANDS = re.compile(r"singleValueExtendedProperties\s*\((.*)\)", re.IGNORECASE)


def html_of_text(text: str) -> str:
    """Runs of spaces stay visible."""
    lines = escape(text, quote=False).replace("\r\n", "\n").replace("  ", " &nbsp;")
    return FROM_TEXT.replace("{lines}", lines.replace("\n", "<br>\r\n"))


def conversation_index(thread: bytes, before: list[int]) -> str:
    """A header for the conversation, and five bytes for each answer: `before`, and the message."""
    answers = b"".join(number.to_bytes(8, "big")[-ANSWER:] for number in before[1:])
    return base64.b64encode(b"\x01" + thread[:21] + answers).decode()


def is_sealed(root: Part) -> bool:
    """Signed or encrypted by S/MIME."""
    said = root.header("content-type").lower()
    return root.mime_type.endswith("pkcs7-mime") or (
        root.mime_type == "multipart/signed" and "pkcs7" in said
    )


def check_select(wanted: str) -> None:
    """:raises Problem: a message has no property of that name"""
    for name in filter(None, (one.strip() for one in wanted.split(","))):
        if name.lower() not in PROPERTIES:
            raise problems.bad_request(
                f"Could not find a property named '{name}' on type 'microsoft.graph.message'.",
                "RequestBroker--ParseUri",
            )


def wanted_properties(expand: str) -> list[str]:
    """The ids of the extended properties that `$expand` asks for."""
    found = _EXPANDS.search(expand)
    return _WANTED.findall(found[1]) if found else []


def properties(wanted: list[str], root: Part, raw: bytes, tags: dict[str, str]) -> dict[str, Any]:
    """Those that the message has: what it refers to, its size, and what clients put there."""
    known = {
        "string 0x1039": " ".join(root.header("references").split()),
        "string 0x1042": root.header("in-reply-to").strip(),
        "integer 0x0e08": str(len(raw)),
    } | tags
    found = [{"id": one, "value": known[one.lower()]} for one in wanted if known.get(one.lower())]
    return {"singleValueExtendedProperties": found} if found else {}
