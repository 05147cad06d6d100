"""What one generated message says, by kind."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from html import escape

from integrations.sandbox.mail import corpus, mime, oddities


@dataclass(frozen=True, slots=True)
class Setting:
    """One message's circumstances. `other` is the (name, e-mail) on the far side."""

    rng: random.Random
    kind: str
    thread: int
    position: int
    date: int
    owner: tuple[str, str]
    other: tuple[str, str]
    subject: str
    outgoing: bool
    seed: int
    canary: str
    nested_parts: int

    def planted(self, field: str) -> str:
        """` <canary>-<field>`, or nothing."""
        return f" {self.canary}-{field}" if self.canary else ""

    def rfc_id(self, position: int) -> str:
        planted = f"{self.canary}-messageid." if self.canary else ""
        return f"<t{self.thread}.{position}.{self.seed}.{planted}@mail.example>".replace(".@", "@")


def sender(rng: random.Random, kind: str) -> tuple[str, str]:
    if kind == "newsletter":
        return rng.choice(corpus.SENDERS)
    if kind == "notification":
        return rng.choice(corpus.NOTIFIERS)
    first, last = rng.choice(corpus.FIRST), rng.choice(corpus.LAST)
    local = f"{first}.{last}".encode("ascii", "ignore").decode().lower().replace("'", "")
    return f"{first} {last}", f"{local}@{rng.choice(corpus.DOMAINS)}"


def subject(rng: random.Random, position: int) -> str:
    text = rng.choice(corpus.SUBJECTS).format(rng.choice(corpus.TOPICS))
    return f"Re: {text}" if position else text


def headers(setting: Setting) -> list[tuple[str, str]]:
    me = mime.address(*setting.owner)
    name, email = setting.other
    if setting.canary:
        name, email = f"{name} {setting.canary}-from", f"{setting.canary.lower()}-address@x.example"
    them = mime.address(name, email)
    if setting.kind == "hostile":
        them = setting.rng.choice(corpus.HOSTILE_NAMES)
    source, target = (me, them) if setting.outgoing else (them, me)
    seconds = setting.date // 1000
    fields = [] if setting.outgoing else oddities.transport(setting.owner[1], seconds)
    fields += [
        ("From", source),
        ("To", target),
        ("Subject", mime.word(setting.subject + setting.planted("subject"))),
        ("Date", formatdate(seconds)),
        ("Message-ID", setting.rfc_id(setting.position)),
    ]
    if setting.canary:
        fields.append(("Cc", mime.address(f"{setting.canary}-cc", "copy@x.example")))
    if setting.position:
        before = [setting.rfc_id(n) for n in range(max(0, setting.position - 8), setting.position)]
        fields += [("In-Reply-To", before[-1]), ("References", "\r\n ".join(before))]
    if setting.kind == "newsletter":
        fields += [
            ("List-Unsubscribe", f"<https://news.example/u/{setting.thread}>"),
            ("List-Id", f"<list-{setting.thread % 40}.news.example>"),
            ("Precedence", "bulk"),
        ]
    return fields


def prose(setting: Setting, low: int = 30, high: int = 220) -> str:
    """Paragraphs, the planted text first so that snippets show it."""
    rng = setting.rng
    words = rng.choices(corpus.WORDS, k=rng.randint(low, high))
    lines = [" ".join(words[n : n + 12]) for n in range(0, len(words), 12)]
    greeting = f"Hello,{setting.planted('text')}\n\n"
    return greeting + "\n".join(lines) + "\n\nBest,\n" + setting.other[0] + "\n"


def quoted(setting: Setting) -> str:
    """What answers drag along."""
    words = setting.rng.choices(corpus.WORDS, k=12 * min(setting.position, 6))
    lines = [f"> {' '.join(words[n : n + 12])}" for n in range(0, len(words), 12)]
    return f"\nOn an earlier day, {setting.other[0]} wrote:\n" + "\n".join(lines) + "\n"


def page(setting: Setting, text: str) -> str:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return f"<html><body><div dir=ltr>{paragraphs}{setting.planted('html')}</div></body></html>"


def boundary(setting: Setting, mark: str) -> str:
    return f"=_{mark}_{setting.thread}_{setting.position}_{setting.seed}"


def personal(setting: Setting) -> bytes:
    text = prose(setting) + (quoted(setting) if setting.position else "")
    if setting.rng.random() < 0.3 and not setting.canary:  # noqa: PLR2004 - three in ten
        return mime.text(text, "plain")
    parts = [mime.text(text, "plain"), mime.text(page(setting, text), "html")]
    return mime.multipart("alternative", boundary(setting, "alt"), parts)


def newsletter(setting: Setting) -> bytes:
    stories = "".join(
        '<tr><td style="padding:12px;font-family:Arial"><h2 style="color:#234">'
        f"{escape(' '.join(setting.rng.choices(corpus.WORDS, k=5)).title())}</h2>"
        f'<img src="https://cdn.news.example/{setting.thread}/{n}.jpg" width="560" alt="">'
        f"<p>{escape(' '.join(setting.rng.choices(corpus.WORDS, k=60)))}</p>"
        f'<a href="https://click.news.example/c?m={setting.thread}&amp;l={n}">Read on</a></td></tr>'
        for n in range(setting.rng.randint(3, 9))
    )
    html = (
        "<!DOCTYPE html><html><head><style>@media screen{td{color:#222}}</style></head>"
        f'<body><table width="600" align="center">{stories}</table>{setting.planted("html")}'
        f'<img src="https://open.news.example/o.gif?u={setting.thread}" width="1" height="1">'
        "</body></html>"
    )
    text = prose(setting, 20, 60)
    parts = [
        mime.text(text, "plain"),
        mime.text(html, "html", encoding=setting.rng.choice(("quoted-printable", "base64"))),
    ]
    return mime.multipart("alternative", boundary(setting, "news"), parts)


def notification(setting: Setting) -> bytes:
    text = prose(setting, 10, 50)
    html = (
        f'<html><body><p><img src="cid:logo@mail.example" alt=""></p>{page(setting, text)}'
        '<p><a href="https://service.example/view">View online</a></p></body></html>'
    )
    parts = [mime.text(html, "html"), mime.inline_image("logo@mail.example", "logo.png")]
    return mime.multipart("related", boundary(setting, "rel"), parts)


def attachment(setting: Setting) -> bytes:
    planted = f"{setting.canary}-filename " if setting.canary else ""
    names = ("report.pdf", "Größe & Maße.pdf", "写真.jpg", "contract final (2).docx", "data.csv")
    files = []
    for number in range(setting.rng.randint(1, 3)):
        data = setting.rng.randbytes(setting.rng.randint(500, 30_000))
        data = f"{setting.canary}-attachment\n".encode() + data if setting.canary else data
        name = f"{planted}{number} {setting.rng.choice(names)}"
        files.append(mime.attachment("application/octet-stream", name, data))
    return mime.multipart("mixed", boundary(setting, "mix"), [personal(setting), *files])


def invitation(setting: Setting) -> bytes:
    text = prose(setting, 10, 30)
    calendar = oddities.invitation(
        setting.other, setting.owner, setting.date, setting.subject + setting.planted("calendar")
    )
    alternatives = [
        mime.text(text, "plain"),
        mime.text(page(setting, text), "html"),
        mime.part('text/calendar; charset="UTF-8"; method=REQUEST', calendar, "base64"),
    ]
    inner = mime.multipart("alternative", boundary(setting, "cal"), alternatives)
    return mime.multipart(
        "mixed",
        boundary(setting, "inv"),
        [inner, mime.attachment("application/ics", "invite.ics", calendar)],
    )


def foreign(setting: Setting) -> bytes:
    charset, encoding, sentence = setting.rng.choice(corpus.FOREIGN)
    text = f"{sentence}\n{setting.planted('text')}\n" + f"{sentence}\n" * setting.rng.randint(1, 8)
    return mime.text(text, "plain", charset, encoding)


def hostile(setting: Setting) -> bytes:
    html = f"<div>{corpus.HOSTILE_HTML}</div>{setting.planted('html')}"
    parts = [mime.text(prose(setting), "plain"), mime.text(html, "html")]
    named = mime.attachment("text/html", "../../etc/invoice.html", corpus.HOSTILE_HTML.encode())
    inner = mime.multipart("alternative", boundary(setting, "alt"), parts)
    return mime.multipart("mixed", boundary(setting, "mix"), [inner, named])


def malformed(setting: Setting) -> bytes:
    return setting.rng.choice(oddities.BROKEN)(setting.planted("text"))


def nested(setting: Setting) -> bytes:
    return oddities.nested(setting.nested_parts, setting.planted("text"))


KINDS: dict[str, Callable[[Setting], bytes]] = {
    each.__name__: each
    for each in (
        personal, newsletter, notification, attachment, invitation, foreign, hostile, malformed,
        nested,
    )
}  # fmt: skip


def content(setting: Setting) -> bytes:
    """The message below its own headers, beginning with Content-Type."""
    return KINDS[setting.kind](setting)
