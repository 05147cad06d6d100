"""
Exchange's conversions of a message.

Plain text becomes HTML of a fixed form; an invitation has no file; S/MIME is a single file. Missing
headers are a fault: `graph/faults.py`. learn.microsoft.com/graph/api/resources/message and
…/resources/attachment
"""

import base64
import re
from html import escape
from typing import Any

from integrations.sandbox.mail.mime_parser import MimePart
from integrations.sandbox.microsoft.graph import problems

HTML_FROM_TEXT = (
    '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    '<meta name="Generator" content="Microsoft Exchange Server">\r\n<!-- converted from text -->'
    "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px "
    'solid; } --></style></head>\r\n<body>\r\n<font size="2"><span style="font-size:11pt;">'
    '<div class="PlainText">{lines}</div></span></font>\r\n</body>\r\n</html>\r\n'
)
REPLY_BYTES = 5
PROPERTIES = frozenset(
    name.lower()
    for name in (
        "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
        "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId",
        "internetMessageHeaders", "subject", "body", "bodyPreview", "importance", "parentFolderId",
        "sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
        "conversationId", "conversationIndex", "uniqueBody", "isDeliveryReceiptRequested",
        "isReadReceiptRequested", "isRead", "isDraft", "webLink", "inferenceClassification", "flag",
    )
)  # fmt: skip
_PROPERTY_ID = re.compile(r"id\s+eq\s+'([^']+)'", re.IGNORECASE)
_EXPANDED_PROPERTIES = re.compile(r"singleValueExtendedProperties\s*\((.*)\)", re.IGNORECASE)


def convert_text_to_html(text: str) -> str:
    """Runs of spaces stay visible."""
    lines = escape(text, quote=False).replace("\r\n", "\n").replace("  ", " &nbsp;")
    return HTML_FROM_TEXT.replace("{lines}", lines.replace("\n", "<br>\r\n"))


def make_conversation_index(thread: bytes, earlier: list[int]) -> str:
    """A header, and five bytes per reply."""
    answers = b"".join(number.to_bytes(8, "big")[-REPLY_BYTES:] for number in earlier[1:])
    return base64.b64encode(b"\x01" + thread[:21] + answers).decode()


def is_sealed(root: MimePart) -> bool:
    content_type = root.get_header("content-type").lower()
    return root.mime_type.endswith("pkcs7-mime") or (
        root.mime_type == "multipart/signed" and "pkcs7" in content_type
    )


def check_select(names: str) -> None:
    """:raises HttpProblem: messages have no such property"""
    for name in filter(None, (raw_name.strip() for raw_name in names.split(","))):
        if name.lower() not in PROPERTIES:
            raise problems.bad_request(
                f"Could not find a property named '{name}' on type 'microsoft.graph.message'.",
                "RequestBroker--ParseUri",
            )


def read_expanded_properties(expand: str) -> list[str]:
    expand_match = _EXPANDED_PROPERTIES.search(expand)
    return _PROPERTY_ID.findall(expand_match[1]) if expand_match else []


def get_extended_properties(
    property_ids: list[str], root: MimePart, raw: bytes, tags: dict[str, str]
) -> dict[str, Any]:
    """References, size, and those set by clients."""
    values_by_id = {
        "string 0x1039": " ".join(root.get_header("references").split()),
        "string 0x1042": root.get_header("in-reply-to").strip(),
        "integer 0x0e08": str(len(raw)),
    } | tags
    property_list = [
        {"id": property_id, "value": values_by_id[property_id.lower()]}
        for property_id in property_ids
        if values_by_id.get(property_id.lower())
    ]
    return {"singleValueExtendedProperties": property_list} if property_list else {}
