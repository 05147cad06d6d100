"""
Answers of Graph in the form in which Exchange gives them, and the MIME that each was made of.

Written by hand after the examples of Microsoft's documentation, not made by code of ours.
"""

from __future__ import annotations

from typing import Any, Final

_HTML: Final = (
    '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    "</head><body>{}</body></html>"
)
_TEXT: Final = (
    '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    '<meta name="Generator" content="Microsoft Exchange Server">\r\n<!-- converted from text -->'
    "<style><!-- .EmailQuote {{ margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px "
    'solid; }} --></style></head>\r\n<body>\r\n<font size="2"><span style="font-size:11pt;">'
    '<div class="PlainText">{}</div></span></font>\r\n</body>\r\n</html>\r\n'
)


def _person(name: str, address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": name, "address": address}}


PLAIN: Final = {
    "@odata.etag": 'W/"CQAAABYAAAAiIsqMbYjsT5e/T7KzowPTAAMk2RSB"',
    "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A",
    "receivedDateTime": "2026-11-03T10:00:05Z",
    "sentDateTime": "2026-11-03T10:00:00Z",
    "hasAttachments": False,
    "internetMessageId": "<plain@example.com>",
    "subject": "Grüße aus Zürich",
    "bodyPreview": "At noon?\r\n\r\n  Indented & <marked>",
    "conversationIndex": "AQHcTQ1kmS6fF2nDk0SyZr0a3kT8sQ==",
    "isDraft": False,
    "body": {
        "contentType": "html",
        "content": _TEXT.format(
            "At noon?<br>\r\n<br>\r\n&nbsp; Indented &amp; &lt;marked&gt;<br>\r\n"
            '<a href="https://example.com/a">https://example.com/a</a><br>\r\n'
        ),
    },
    "from": _person("Bob Bíró", "bob@example.com"),
    "toRecipients": [
        _person("alice@example.com", "alice@example.com"),
        _person("Weiß, Dr. Anna", "anna@example.org"),
    ],
    "ccRecipients": [_person("Carol", "carol@example.com")],
    "bccRecipients": [],
    "replyTo": [_person("Desk", "desk@example.com")],
    "internetMessageHeaders": [
        {"name": "Received", "value": "from mail.example.com by x.example with HTTPS; Tue, 3 Nov"},
        {"name": "Subject", "value": "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_Z=C3=BCrich?="},
        {"name": "In-Reply-To", "value": "<second@example.com>"},
        {"name": "References", "value": "<first@example.com>\r\n <second@example.com>"},
        {"name": "Content-Type", "value": "text/plain; charset=utf-8"},
    ],
}
PLAIN_MIME: Final = b"""\
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_Z=C3=BCrich?=
From: =?utf-8?Q?Bob_B=C3=ADr=C3=B3?= <bob@example.com>
To: alice@example.com, =?utf-8?Q?Wei=C3=9F=2C_Dr=2E_Anna?= <anna@example.org>
Cc: Carol <carol@example.com>
Reply-To: Desk <desk@example.com>
Date: Tue, 3 Nov 2026 11:00:00 +0100
Message-ID: <plain@example.com>
In-Reply-To: <second@example.com>
References: <first@example.com>
 <second@example.com>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

At noon?

  Indented & <marked>
https://example.com/a
"""

#: Of a sent message: no internet headers, and what it answers as extended properties.
SENT: Final = {
    "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0B",
    "sentDateTime": "2026-11-03T11:00:00Z",
    "hasAttachments": True,
    "internetMessageId": "<AM0PR01MB1@AM0PR01MB1.eurprd01.prod.exchangelabs.com>",
    "subject": "RE: Menu",
    "body": {
        "contentType": "html",
        "content": _HTML.format('<p>Here &amp; now.</p><img src="cid:logo@01DC">'),
    },
    "from": _person("Alice", "alice@example.com"),
    "toRecipients": [_person("Bob Bíró", "bob@example.com")],
    "ccRecipients": [],
    "bccRecipients": [_person("Dan", "dan@example.com")],
    "replyTo": [],
    "singleValueExtendedProperties": [
        {"id": "String 0x1042", "value": "<second@example.com>"},
        {"id": "String 0x1039", "value": "<first@example.com> <second@example.com>"},
        {"id": "Integer 0xe08", "value": "48211"},
    ],
}
SENT_FILES: Final = [
    {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": "image/png",
        "id": "AAMkAGE1AAA=",
        "name": "logo.png",
        "contentType": "image/png",
        "size": 6,
        "isInline": True,
        "contentId": "logo@01DC",
    },
    {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": "AAMkAGE1AAB=",
        "name": "Größe & Maße.pdf",
        "contentType": "application/pdf",
        "size": 3,
        "isInline": False,
        "contentId": None,
    },
    {
        "@odata.type": "#microsoft.graph.referenceAttachment",
        "id": "AAMkAGE1AAC=",
        "name": "In the cloud.docx",
        "contentType": None,
        "size": 400,
        "isInline": False,
    },
]
SENT_MIME: Final = b"""\
From: Alice <alice@example.com>
To: =?utf-8?Q?Bob_B=C3=ADr=C3=B3?= <bob@example.com>
Bcc: Dan <dan@example.com>
Subject: RE: Menu
Date: Tue, 3 Nov 2026 11:00:00 +0000
Message-ID: <AM0PR01MB1@AM0PR01MB1.eurprd01.prod.exchangelabs.com>
In-Reply-To: <second@example.com>
References: <first@example.com> <second@example.com>
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

<p>Here &amp; now.</p><img src="cid:logo@01DC">
--r
Content-Type: image/png; name=logo.png
Content-Disposition: inline; filename=logo.png
Content-ID: <logo@01DC>
Content-Transfer-Encoding: base64

iVBORw0K
--r--
--m
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20%26%20Ma%C3%9Fe.pdf
Content-Transfer-Encoding: base64

UERG
--m--
"""
