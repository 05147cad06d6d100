"""Headers and bodies of generated messages, by kind."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from html import escape

from integrations.sandbox.mail import bulk_mail, corpus, malformed_mime, mime, topics
from integrations.sandbox.mail.topics import Topic

WORDS_PER_SENTENCE = 12
SENTENCES_PER_PARAGRAPH = 4


@dataclass(frozen=True, slots=True)
class MessageSetting:
    """`other` is the correspondent's (name, e-mail). `topic` has a bulk message's own texts."""

    rng: random.Random
    kind: str
    thread: int
    position: int
    date: int
    owner: tuple[str, str]
    other: tuple[str, str]
    subject: str
    topic: Topic
    outgoing: bool
    seed: int
    canary: str
    nested_parts: int

    def get_canary(self, field: str) -> str:
        return f" {self.canary}-{field}" if self.canary else ""

    def make_rfc_id(self, position: int) -> str:
        planted = f"{self.canary}-messageid." if self.canary else ""
        return f"<t{self.thread}.{position}.{self.seed}.{planted}@mail.example>".replace(".@", "@")


def choose_sender(
    rng: random.Random, kind: str, people: Sequence[tuple[str, str]] = ()
) -> tuple[str, str]:
    if kind == "newsletter":
        return rng.choice(list(bulk_mail.NEWSLETTERS))
    if kind == "notification":
        return rng.choice(list(bulk_mail.NOTIFICATIONS))
    if people:
        name, email = rng.choice(people)
        return name, email
    first, last = rng.choice(corpus.FIRST_NAMES), rng.choice(corpus.LAST_NAMES)
    local = f"{first}.{last}".encode("ascii", "ignore").decode().lower().replace("'", "")
    return f"{first} {last}", f"{local}@{rng.choice(corpus.DOMAINS)}"


def choose_subject(rng: random.Random, kind: str, sender: tuple[str, str]) -> tuple[str, Topic]:
    """Return a subject and the texts that suit it."""
    if kind == "newsletter":
        stories = bulk_mail.NEWSLETTERS[sender]
        headlines, texts = zip(*rng.sample(stories, len(stories)), strict=True)
        return headlines[0], Topic(headlines, texts)
    if kind == "notification":
        number = rng.randint(1_000, 99_999)
        subject, text = rng.choice(bulk_mail.NOTIFICATIONS[sender])
        return subject.format(number), Topic((subject,), (text.format(number),))
    topic = rng.choice(topics.TOPICS)
    return rng.choice(topic.subjects), topic


def make_headers(setting: MessageSetting) -> list[tuple[str, str]]:
    me = mime.format_address(*setting.owner)
    name, email = setting.other
    if setting.canary:
        name, email = f"{name} {setting.canary}-from", f"{setting.canary.lower()}-address@x.example"
    correspondent = mime.format_address(name, email)
    if setting.kind == "hostile":
        correspondent = setting.rng.choice(corpus.HOSTILE_NAMES)
    source, target = (me, correspondent) if setting.outgoing else (correspondent, me)
    seconds = setting.date // 1000
    fields = (
        [] if setting.outgoing else malformed_mime.make_transport_headers(setting.owner[1], seconds)
    )
    fields += [
        ("From", source),
        ("To", target),
        ("Subject", mime.encode_word(setting.subject + setting.get_canary("subject"))),
        ("Date", formatdate(seconds)),
        ("Message-ID", setting.make_rfc_id(setting.position)),
    ]
    if setting.canary:
        fields.append(("Cc", mime.format_address(f"{setting.canary}-cc", "copy@x.example")))
    if setting.position:
        earlier_ids = [
            setting.make_rfc_id(n) for n in range(max(0, setting.position - 8), setting.position)
        ]
        fields += [("In-Reply-To", earlier_ids[-1]), ("References", "\r\n ".join(earlier_ids))]
    if setting.kind == "newsletter":
        fields += [
            ("List-Unsubscribe", f"<https://news.example/u/{setting.thread}>"),
            ("List-Id", f"<list-{setting.thread % 40}.news.example>"),
            ("Precedence", "bulk"),
        ]
    return fields


def write_prose(setting: MessageSetting, min_words: int = 30, max_words: int = 220) -> str:
    """The canary comes first, so that snippets show it."""
    rng = setting.rng
    count = max(1, rng.randint(min_words, max_words) // WORDS_PER_SENTENCE)
    paragraphs: list[list[str]] = [[]]
    for sentence in choose_sentences(setting, count):
        if len(paragraphs[-1]) >= SENTENCES_PER_PARAGRAPH:
            paragraphs.append([])
        paragraphs[-1].append(sentence)
    sender, receiver = setting.other[0], setting.owner[0]
    if setting.outgoing:
        sender, receiver = receiver, sender
    greeting = rng.choice(topics.GREETINGS).format(receiver.partition(" ")[0])
    text = "\n\n".join(" ".join(sentences) for sentences in paragraphs)
    closing = f"{rng.choice(topics.CLOSINGS)},\n{sender}"
    return f"{greeting},{setting.get_canary('text')}\n\n{text}\n\n{closing}\n"


def choose_sentences(setting: MessageSetting, count: int) -> list[str]:
    """First of the topic, then of the common ones; at most all of them."""
    own, common = setting.topic.sentences, topics.COMMON_SENTENCES
    of_topic = min(len(own), max(1, count * 2 // 3))
    sentences = setting.rng.sample(own, of_topic)
    return sentences + setting.rng.sample(common, min(len(common), count - of_topic))


def write_quote(setting: MessageSetting) -> str:
    author = setting.other[0] if setting.outgoing else setting.owner[0]
    lines = [f"> {line}" for line in choose_sentences(setting, min(setting.position, 6))]
    return f"\nOn an earlier day, {author} wrote:\n" + "\n".join(lines) + "\n"


def write_page(setting: MessageSetting, text: str) -> str:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return f"<html><body><div dir=ltr>{paragraphs}{setting.get_canary('html')}</div></body></html>"


def make_boundary(setting: MessageSetting, mark: str) -> str:
    return f"=_{mark}_{setting.thread}_{setting.position}_{setting.seed}"


def write_personal(setting: MessageSetting) -> bytes:
    text = write_prose(setting) + (write_quote(setting) if setting.position else "")
    if setting.rng.random() < 0.3 and not setting.canary:  # noqa: PLR2004 - three in ten
        return mime.make_text(text, "plain")
    parts = [mime.make_text(text, "plain"), mime.make_text(write_page(setting, text), "html")]
    return mime.make_multipart("alternative", make_boundary(setting, "alt"), parts)


def write_newsletter(setting: MessageSetting) -> bytes:
    chosen = setting.topic.subjects[: setting.rng.randint(3, 8)]
    stories = "".join(
        '<tr><td style="padding:12px;font-family:Arial"><h2 style="color:#234">'
        f"{escape(headline)}</h2>"
        f'<img src="https://cdn.news.example/{setting.thread}/{n}.jpg" width="560" alt="">'
        f"<p>{escape(text)}</p>"
        f'<a href="https://click.news.example/c?m={setting.thread}&amp;l={n}">Read on</a></td></tr>'
        for n, (headline, text) in enumerate(zip(chosen, setting.topic.sentences, strict=False))
    )
    html = (
        "<!DOCTYPE html><html><head><style>@media screen{td{color:#222}}</style></head>"
        f'<body><table width="600" align="center">{stories}</table>{setting.get_canary("html")}'
        f'<img src="https://open.news.example/o.gif?u={setting.thread}" width="1" height="1">'
        "</body></html>"
    )
    items = zip(chosen, setting.topic.sentences, strict=False)
    text = f"{setting.other[0]}{setting.get_canary('text')}\n\n" + "\n\n".join(
        f"{headline}\n{text}" for headline, text in items
    )
    parts = [
        mime.make_text(text, "plain"),
        mime.make_text(html, "html", encoding=setting.rng.choice(("quoted-printable", "base64"))),
    ]
    return mime.make_multipart("alternative", make_boundary(setting, "news"), parts)


def write_notification(setting: MessageSetting) -> bytes:
    text = f"{setting.topic.sentences[0]}{setting.get_canary('text')}"
    html = (
        f'<html><body><p><img src="cid:logo@mail.example" alt=""></p>{write_page(setting, text)}'
        '<p><a href="https://service.example/view">View online</a></p></body></html>'
    )
    parts = [mime.make_text(html, "html"), mime.make_inline_image("logo@mail.example", "logo.png")]
    return mime.make_multipart("related", make_boundary(setting, "rel"), parts)


def write_attachments(setting: MessageSetting) -> bytes:
    planted = f"{setting.canary}-filename " if setting.canary else ""
    names = ("report.pdf", "Größe & Maße.pdf", "写真.jpg", "contract final (2).docx", "data.csv")
    files = []
    for number in range(setting.rng.randint(1, 3)):
        data = setting.rng.randbytes(setting.rng.randint(500, 30_000))
        data = f"{setting.canary}-attachment\n".encode() + data if setting.canary else data
        name = f"{planted}{number} {setting.rng.choice(names)}"
        files.append(mime.make_attachment("application/octet-stream", name, data))
    return mime.make_multipart(
        "mixed", make_boundary(setting, "mix"), [write_personal(setting), *files]
    )


def write_invitation(setting: MessageSetting) -> bytes:
    text = write_prose(setting, 10, 30)
    calendar = malformed_mime.write_invitation(
        setting.other, setting.owner, setting.date, setting.subject + setting.get_canary("calendar")
    )
    alternatives = [
        mime.make_text(text, "plain"),
        mime.make_text(write_page(setting, text), "html"),
        mime.make_part('text/calendar; charset="UTF-8"; method=REQUEST', calendar, "base64"),
    ]
    inner = mime.make_multipart("alternative", make_boundary(setting, "cal"), alternatives)
    return mime.make_multipart(
        "mixed",
        make_boundary(setting, "inv"),
        [inner, mime.make_attachment("application/ics", "invite.ics", calendar)],
    )


def write_foreign(setting: MessageSetting) -> bytes:
    charset, encoding, sentence = setting.rng.choice(corpus.FOREIGN)
    text = f"{sentence}\n{setting.get_canary('text')}\n" + f"{sentence}\n" * setting.rng.randint(
        1, 8
    )
    return mime.make_text(text, "plain", charset, encoding)


def write_hostile(setting: MessageSetting) -> bytes:
    html = f"<div>{corpus.HOSTILE_HTML}</div>{setting.get_canary('html')}"
    parts = [mime.make_text(write_prose(setting), "plain"), mime.make_text(html, "html")]
    named = mime.make_attachment(
        "text/html", "../../etc/invoice.html", corpus.HOSTILE_HTML.encode()
    )
    inner = mime.make_multipart("alternative", make_boundary(setting, "alt"), parts)
    return mime.make_multipart("mixed", make_boundary(setting, "mix"), [inner, named])


def write_malformed(setting: MessageSetting) -> bytes:
    return setting.rng.choice(malformed_mime.MALFORMED_WRITERS)(setting.get_canary("text"))


def write_nested(setting: MessageSetting) -> bytes:
    return malformed_mime.write_nested(setting.nested_parts, setting.get_canary("text"))


KINDS: dict[str, Callable[[MessageSetting], bytes]] = {
    "personal": write_personal,
    "newsletter": write_newsletter,
    "notification": write_notification,
    "attachment": write_attachments,
    "invitation": write_invitation,
    "foreign": write_foreign,
    "hostile": write_hostile,
    "malformed": write_malformed,
    "nested": write_nested,
}


def write_content(setting: MessageSetting) -> bytes:
    """From Content-Type on, without the message's own headers."""
    return KINDS[setting.kind](setting)
