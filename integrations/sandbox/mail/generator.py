"""Generates a mailbox from a seed; renders messages on demand."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from integrations.sandbox.mail import corpus, message_bodies, mime
from integrations.sandbox.mail.message_bodies import MessageSetting

# (messages, weight). Newsletters are always alone.
THREAD_SIZES = (
    (1, 560), (2, 160), (3, 85), (4, 55), (5, 35), (6, 25), (7, 18), (8, 14), (10, 14), (13, 11),
    (17, 9), (24, 7), (35, 4), (60, 2), (100, 1),
)  # fmt: skip
KINDS = (
    ("personal", 45), ("newsletter", 25), ("notification", 14), ("attachment", 9),
    ("invitation", 3), ("foreign", 4),
)  # fmt: skip
SINGLE_MESSAGE_KINDS = {"newsletter", "notification"}
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class MailboxRecipe:
    """
    `until` is the newest date (ms), `days` the range before it.

    `canary` is planted as `<canary>-<field>` in every field. `malformed`, `hostile` and
    `label_share` are shares. `nested_parts` > 0 makes the oldest message that deep. With `kinds`,
    mail of other kinds is rendered as personal mail. `people` are (name, e-mail) of the
    correspondents; without any, the corpus has some.
    """

    email: str
    name: str
    size: int
    seed: int
    until: int
    days: float = 365.0
    canary: str = ""
    malformed: float = 0.01
    hostile: float = 0.01
    nested_parts: int = 0
    labels: tuple[str, ...] = field(default=corpus.LABELS)
    label_share: float = 0.12
    kinds: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()


class PlannedMessage(NamedTuple):
    date: int
    thread: int
    position: int
    labels: frozenset[str]


class MailGenerator:
    def __init__(self, recipe: MailboxRecipe) -> None:
        self.recipe = recipe

    def _make_rng(self, *key: object) -> random.Random:
        return random.Random(":".join(map(str, (self.recipe.seed, *key))))  # noqa: S311 - repeatable

    def list_label_names(self) -> list[str]:
        planted = [f"{self.recipe.canary}-label"] if self.recipe.canary else []
        return [*self.recipe.labels, *planted]

    def plan_messages(self, label_ids: Mapping[str, str]) -> list[PlannedMessage]:
        """Oldest first. 100,000 take about a second."""
        recipe, rng = self.recipe, self._make_rng("plan")
        user_labels = [label_ids[name] for name in self.list_label_names()]
        sizes, weights = zip(*THREAD_SIZES, strict=True)
        planned: list[PlannedMessage] = []
        thread = 0
        while len(planned) < recipe.size:
            size = 1
            if self.get_kind(thread) not in SINGLE_MESSAGE_KINDS:
                size = rng.choices(sizes, weights)[0]
            size = min(size, recipe.size - len(planned))
            planned.extend(self._plan_thread(rng, thread, size, user_labels))
            thread += 1
        planned.sort()
        return planned

    def _plan_thread(
        self, rng: random.Random, thread: int, size: int, user_labels: list[str]
    ) -> Iterator[PlannedMessage]:
        recipe = self.recipe
        span = int(recipe.days * DAY_MS)
        gaps = [rng.randint(1, 20 * HOUR_MS) for _ in range(size - 1)]
        shrink = min(1.0, 0.9 * span / (sum(gaps) + 1))
        gaps = [int(gap * shrink) + 1 for gap in gaps]
        slack = span - sum(gaps)
        date = recipe.until - sum(gaps) - int(slack * rng.random() ** 1.5)
        labels = self._choose_labels(rng, thread, user_labels)
        for position in range(size):
            if position:
                date += gaps[position - 1]
            if self.is_outgoing(thread, position):
                yield PlannedMessage(
                    date, thread, position, labels - {"INBOX", "UNREAD"} | {"SENT"}
                )
                continue
            message_labels = labels
            if rng.random() < 0.03:  # noqa: PLR2004 - one in thirty
                message_labels |= {"STARRED"}
            unread = rng.random() < (0.5 if recipe.until - date < 7 * DAY_MS else 0.1)
            yield PlannedMessage(
                date, thread, position, message_labels | {"UNREAD"} if unread else message_labels
            )

    def _choose_labels(
        self, rng: random.Random, thread: int, user_labels: list[str]
    ) -> frozenset[str]:
        kind = self.get_kind(thread)
        category = {"newsletter": "CATEGORY_PROMOTIONS", "notification": "CATEGORY_UPDATES"}
        labels = {category.get(kind, "CATEGORY_PERSONAL")}
        share = rng.random()
        if share < 0.02:  # noqa: PLR2004 - shares
            return frozenset(labels | {"SPAM"})
        if share < 0.03:  # noqa: PLR2004
            return frozenset(labels | {"TRASH"})
        if share < 0.65:  # noqa: PLR2004
            labels.add("INBOX")
        if kind not in SINGLE_MESSAGE_KINDS and rng.random() < 0.3:  # noqa: PLR2004
            labels.add("IMPORTANT")
        if user_labels and rng.random() < self.recipe.label_share:
            labels.add(rng.choice(user_labels))
        return frozenset(labels)

    def get_kind(self, thread: int) -> str:
        """A cheap hash: every message needs its kind."""
        share = (thread * 2_654_435_761 + self.recipe.seed * 40_503) % 2**32 % 100
        for kind, weight in KINDS:
            share -= weight
            if share < 0:
                return kind
        return "personal"

    def is_outgoing(self, thread: int, position: int) -> bool:
        """The owner writes replies and starts some threads."""
        if self.get_kind(thread) in SINGLE_MESSAGE_KINDS:
            return False
        return position % 2 == (0 if thread % 4 == 0 else 1)

    def render_message(self, thread: int, position: int, *, date: int) -> bytes:
        """The same bytes in every run."""
        recipe = self.recipe
        thread_rng = self._make_rng("t", thread)
        rng = self._make_rng("m", thread, position)
        kind = self.get_kind(thread)
        if recipe.kinds and kind not in recipe.kinds:
            kind = "personal"
        if recipe.nested_parts and (thread, position) == (0, 0):
            kind = "nested"
        elif not self.is_outgoing(thread, position):
            share = rng.random()
            if share < recipe.malformed:
                kind = "malformed"
            elif share < recipe.malformed + recipe.hostile:
                kind = "hostile"
        other = message_bodies.choose_sender(thread_rng, kind, recipe.people)
        subject, topic = message_bodies.choose_subject(thread_rng, kind, other)
        setting = MessageSetting(
            rng=rng,
            kind=kind,
            thread=thread,
            position=position,
            date=date,
            owner=(recipe.name, recipe.email),
            other=other,
            subject=f"Re: {subject}" if position else subject,
            topic=topic,
            outgoing=self.is_outgoing(thread, position),
            seed=recipe.seed,
            canary=recipe.canary,
            nested_parts=recipe.nested_parts,
        )
        return mime.make_message(
            message_bodies.make_headers(setting), message_bodies.write_content(setting)
        )
