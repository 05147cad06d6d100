"""A whole mailbox out of one number: planned at once, rendered message by message on demand."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from integrations.sandbox.mail import bodies, corpus, mime
from integrations.sandbox.mail.bodies import Setting

# (messages in the thread, weight): most stand alone, few are long; newsletters always stand alone.
THREAD_SIZES = (
    (1, 560), (2, 160), (3, 85), (4, 55), (5, 35), (6, 25), (7, 18), (8, 14), (10, 14), (13, 11),
    (17, 9), (24, 7), (35, 4), (60, 2), (100, 1),
)  # fmt: skip
KINDS = (
    ("personal", 45), ("newsletter", 25), ("notification", 14), ("attachment", 9),
    ("invitation", 3), ("foreign", 4),
)  # fmt: skip
ALONE = {"newsletter", "notification"}
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Recipe:
    """
    What the mailbox is made of. `until` is the newest moment (ms); `days` how far back it goes.

    `canary` is planted as `<canary>-<field>` in every field of every message. `malformed` and
    `hostile` are shares of messages. `nested_parts` > 0 makes the oldest message that deep.
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


class Planned(NamedTuple):
    date: int
    thread: int
    position: int
    labels: frozenset[str]


class Generator:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def _rng(self, *key: object) -> random.Random:
        return random.Random(":".join(map(str, (self.recipe.seed, *key))))  # noqa: S311 - repeatable

    def label_names(self) -> list[str]:
        planted = [f"{self.recipe.canary}-label"] if self.recipe.canary else []
        return [*self.recipe.labels, *planted]

    def plan(self, label_ids: Mapping[str, str]) -> list[Planned]:
        """Every message, oldest first. 100,000 take about a second."""
        recipe, rng = self.recipe, self._rng("plan")
        user_labels = [label_ids[name] for name in self.label_names()]
        sizes, weights = zip(*THREAD_SIZES, strict=True)
        planned: list[Planned] = []
        thread = 0
        while len(planned) < recipe.size:
            size = 1
            if self.kind(thread) not in ALONE:
                size = rng.choices(sizes, weights)[0]
            size = min(size, recipe.size - len(planned))
            planned.extend(self._thread(rng, thread, size, user_labels))
            thread += 1
        planned.sort()
        return planned

    def _thread(
        self, rng: random.Random, thread: int, size: int, user_labels: list[str]
    ) -> Iterator[Planned]:
        recipe = self.recipe
        span = int(recipe.days * DAY_MS)
        gaps = [rng.randint(1, 20 * HOUR_MS) for _ in range(size - 1)]
        shrink = min(1.0, 0.9 * span / (sum(gaps) + 1))
        gaps = [int(gap * shrink) + 1 for gap in gaps]
        room = span - sum(gaps)
        date = recipe.until - sum(gaps) - int(room * rng.random() ** 1.5)
        labels = self._thread_labels(rng, thread, user_labels)
        for position in range(size):
            if position:
                date += gaps[position - 1]
            if self.outgoing(thread, position):
                yield Planned(date, thread, position, labels - {"INBOX", "UNREAD"} | {"SENT"})
                continue
            own = labels
            if rng.random() < 0.03:  # noqa: PLR2004 - one in thirty
                own |= {"STARRED"}
            unread = rng.random() < (0.5 if recipe.until - date < 7 * DAY_MS else 0.1)
            yield Planned(date, thread, position, own | {"UNREAD"} if unread else own)

    def _thread_labels(
        self, rng: random.Random, thread: int, user_labels: list[str]
    ) -> frozenset[str]:
        kind = self.kind(thread)
        category = {"newsletter": "CATEGORY_PROMOTIONS", "notification": "CATEGORY_UPDATES"}
        labels = {category.get(kind, "CATEGORY_PERSONAL")}
        dice = rng.random()
        if dice < 0.02:  # noqa: PLR2004 - shares
            return frozenset(labels | {"SPAM"})
        if dice < 0.03:  # noqa: PLR2004
            return frozenset(labels | {"TRASH"})
        if dice < 0.65:  # noqa: PLR2004
            labels.add("INBOX")
        if kind not in ALONE and rng.random() < 0.3:  # noqa: PLR2004
            labels.add("IMPORTANT")
        if user_labels and rng.random() < 0.12:  # noqa: PLR2004
            labels.add(rng.choice(user_labels))
        return frozenset(labels)

    def kind(self, thread: int) -> str:
        """A cheap hash instead of a generator: it is asked for every message."""
        dice = (thread * 2_654_435_761 + self.recipe.seed * 40_503) % 2**32 % 100
        for kind, weight in KINDS:
            dice -= weight
            if dice < 0:
                return kind
        return "personal"

    def outgoing(self, thread: int, position: int) -> bool:
        """The owner answers in between, and starts some threads."""
        if self.kind(thread) in ALONE:
            return False
        return position % 2 == (0 if thread % 4 == 0 else 1)

    def render(self, thread: int, position: int, *, date: int) -> bytes:
        """RFC 5322 bytes, always the same ones."""
        recipe = self.recipe
        threadwide = self._rng("t", thread)
        rng = self._rng("m", thread, position)
        kind = self.kind(thread)
        if recipe.nested_parts and (thread, position) == (0, 0):
            kind = "nested"
        elif not self.outgoing(thread, position):
            dice = rng.random()
            if dice < recipe.malformed:
                kind = "malformed"
            elif dice < recipe.malformed + recipe.hostile:
                kind = "hostile"
        setting = Setting(
            rng=rng,
            kind=kind,
            thread=thread,
            position=position,
            date=date,
            owner=(recipe.name, recipe.email),
            other=bodies.sender(threadwide, kind),
            subject=bodies.subject(threadwide, position),
            outgoing=self.outgoing(thread, position),
            seed=recipe.seed,
            canary=recipe.canary,
            nested_parts=recipe.nested_parts,
        )
        return mime.message(bodies.headers(setting), bodies.content(setting))
