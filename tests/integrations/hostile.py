"""Messages of strangers that cost much to read, as MIME and as Gmail says them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

MALLORY = "Mallory <mallory@example.test>"
HEAD = [("From", MALLORY), ("To", "alice@example.test")]
SURROGATES = {
    "utf-7": b"before +2AA- after",
    "utf-7-twice": b"before +-2AA- after",
    "unicode_escape": b"before \\ud800 after",
    "unicode-escape": b"before \\ud800 after",
    "raw_unicode_escape": b"before \\ud800 after",
    "raw-unicode-escape": b"before \\ud800 after",
}


@dataclass(frozen=True)
class Node:
    """One part. `kind` is its content type; the header may say more, or something else."""

    kind: str = "text/plain"
    said: str = ""
    body: bytes = b""
    parts: tuple[Node, ...] = ()
    headers: list[tuple[str, str]] = field(default_factory=list)

    def mime(self, depth: int = 0) -> bytes:
        """Return the part as RFC 5322 bytes."""
        boundary = f"b{depth}x"
        said = self.said or self.kind
        if self.parts:
            said += f"; boundary={boundary}"
        headers = [*self.headers, ("Content-Type", said)]
        head = "".join(f"{name}: {value}\n" for name, value in headers).encode()
        if not self.parts:
            return head + b"\n" + self.body
        line = f"\n--{boundary}".encode()
        inside = b"".join(line + b"\n" + part.mime(depth + 1) for part in self.parts)
        return head + b"\n" + inside + line + b"--\n"

    def payload(self, path: str = "") -> dict:
        """Return the part as Gmail's `format=full` says it."""
        said = [*self.headers, ("Content-Type", self.said or self.kind)]
        found = {
            "partId": path,
            "mimeType": self.kind,
            "filename": "",
            "headers": [{"name": name, "value": value} for name, value in said],
            "body": {"size": len(self.body)},
        }
        if self.parts:
            found["parts"] = [
                part.payload(f"{path}.{place}" if path else str(place))
                for place, part in enumerate(self.parts)
            ]
        elif self.body:
            found["body"]["data"] = base64.urlsafe_b64encode(self.body).rstrip(b"=").decode()
        return found

    def graph(self) -> tuple[dict, list[dict]]:
        """Return the message as Graph's properties say it, and its attachments."""
        leaves = self.leaves()
        body = next((one for one in leaves if one.kind in BODIES), Node())
        files = [one for one in leaves if one is not body]
        named = {name.lower(): value for name, value in self.headers}
        # Exchange splits a sender as we do: the address is in the angle brackets.
        name, _, address = named.get("from", MALLORY).rstrip(">").rpartition(" <")
        person = {"emailAddress": {"name": name, "address": address}}
        many = self.headers.count(("To", named.get("to", "")))
        found = {
            "subject": decoded(named.get("subject", "")),
            "from": person,
            "toRecipients": [person] * (1 if many == 1 else 50 * many),
            "sentDateTime": "2026-11-03T10:00:00Z",
            "internetMessageId": "<1@example.test>",
            "hasAttachments": bool(files),
            "internetMessageHeaders": [
                {"name": name, "value": value}
                for name, value in [*self.headers, ("Content-Type", self.said or self.kind)]
            ],
            "body": {
                "contentType": BODIES[body.kind],
                "content": decoded(body.body.decode("utf-8", "replace")),
            },
        }
        return found, [one.attachment(place) for place, one in enumerate(files)]

    def leaves(self) -> list[Node]:
        if not self.parts:
            return [self]
        return [leaf for part in self.parts for leaf in part.leaves()]

    def attachment(self, place: int) -> dict:
        return {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "id": f"AAMkAT{place}",
            "name": self.said.partition("name=")[2],
            "contentType": self.kind,
            "size": len(self.body),
            "isInline": False,
        }


#: Kinds of text, and what Graph calls each.
BODIES = {"text/plain": "text", "text/html": "html"}


def decoded(text: str) -> str:
    """Return a text with the half of a character that these charsets write in so many ways."""
    for written in ("+2AA-", "\\ud800", "+-2AA-"):
        text = text.replace(written, "\ud800")
    return text


def message(kind: str = "text/plain", *, subject: str = "hello", **more) -> Node:
    headers = [*HEAD, ("Subject", subject), *more.pop("headers", ())]
    return Node(kind, headers=headers, **more)


def page(markup: str) -> Node:
    return message("text/html", said="text/html; charset=utf-8", body=markup.encode())


def nested(inside: Node, depth: int) -> Node:
    for _ in range(depth):
        inside = Node("multipart/mixed", parts=(inside,))
    return inside


def newlines(megabytes: int) -> Node:
    return nested(Node(body=b"\n" * (megabytes * 1_000_000)), 29)


def of_charset(charset: str) -> Node:
    name = charset.removesuffix("-twice")
    body = SURROGATES[charset]
    return message(
        said=f'text/plain; charset="{name}"',
        subject=f"=?{name}?Q?{body.decode().replace(' ', '_')}?=",
        body=body,
    )


#: Each line of the table of hostile mail, by a name.
CASES: dict[str, Node] = {
    **{f"charset {name}": of_charset(name) for name in SURROGATES},
    "semicolons in names of 24 parts": message(
        "multipart/mixed",
        parts=tuple(
            Node("application/pdf", said='application/pdf; name="' + ";" * 60_000, body=b"x")
            for _ in range(24)
        ),
    ),
    "blank lines in a delivery status": message(
        "multipart/report",
        parts=(
            Node(body=b"could not be delivered\n"),
            Node("message/delivery-status", body=b"\n" * 200_000),
        ),
    ),
    "semicolons in a content type": message(said="text/plain" + ";" * 8_000, body=b"hello\n"),
    "400 headers of recipients": message(
        headers=[("To", "a@example.test, " * 4_096)] * 400, body=b"hello\n"
    ),
    "newlines in 29 multiparts": newlines(25),
    # Each of its own: of equal ones a reader of HTML keeps three open.
    "open fonts": page("<p>" + "".join(f"<font size={n}>" for n in range(900)) + "<p>x" * 6_000),
    "ruby texts": page("<rt>" * 60_000),
    "ampersands": page("&" * 400_000),
    "attributes": page("<a " + "".join(f"a{n}=b " for n in range(50_000)) + ">x</a>"),
    "blocks in a table": page("<table>" + "<div>" * 40_000),
}
#: Of these the text is brought in; the others are brought in or set aside.
STORED = frozenset(name for name in CASES if name.startswith("charset "))
