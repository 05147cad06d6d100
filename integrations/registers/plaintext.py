"""
The register of functions that may hold plaintext of provider data.

`manage.py plaintext_register` writes it to `plaintext.txt` beside this module and prints
the share of code in them; a test compares the file with the code. What is found errs
towards too much; what it cannot see is said in `flow`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .flow import Flow, Watched
from .plaintext_reasons import REASONS, Side
from .source import Function, Project, read

FILE: Final = Path(__file__).with_name("plaintext.txt")
GOAL: Final = 0.05

_BASE, _MIME = "integrations.providers.base.", "integrations.mime.message."
_TYPES: Final = frozenset(
    {
        *(_BASE + name for name in ("RemoteMessage", "RemoteThread", "MailboxProfile")),
        *(_MIME + name for name in ("ParsedMessage", "Address", "AttachmentPart")),
        "integrations.attachments.Download",
        "integrations.connections.callback.Callback",
        "integrations.providers.identity.Identity",
        "integrations.providers.token_answers.TokenSet",
        "integrations.providers.transport.Answer",
        "integrations.providers.transport.Stream",
    }
)
_OPENED: Final = frozenset({"Opened", "Mapping[str, bytes]"})
_SOURCES: Final = frozenset(
    {
        "limited_use.vault.records.open",
        "limited_use.vault.compression.expand",
        "limited_use.vault.directory.derive",
    }
)
# The sanitiser's library calls it with each attribute.
_ENTERED: Final = frozenset({"integrations.mime.html._Attributes.__call__"})
# What a sink returns has left: it is the answer, and whoever passes it on does no more.
_SENT: Final = frozenset(
    f"limited_use.sinks.{name}"
    for name in (
        "response.json_page",
        "response.json_object",
        "page.render",
        "page.document",
        "support.item",
        "export.part",
        "agenda.calendar_json",
        "agenda.calendar_kept",
        "agenda.calendar_page",
        "agenda.calendar_file",
        "agenda.calendar_document",
        "notification.text",
        "download.attachment",
        "download.passing",
    )
)
# When somebody wants to look says nothing of what is there.
_ASKED: Final = frozenset({"integrations.almanac.expansion.window"})
# In clear in our tables as well; see the register of columns.
_IN_CLEAR: Final = (
    "received_at size is_unread is_starred has_attachments position is_inline message_count"
    " expires_at refresh_expires_at granted_scopes status is_success estimate more"
)
_CLEAR: Final = frozenset(_IN_CLEAR.split())
_NAMES: Final = "message_id thread_id cursor refs next_page ref deleted upserted"
_IDS: Final = frozenset(_NAMES.split())

WORDS: Final = Watched(
    types=_TYPES,
    written=_OPENED,
    calls=_SOURCES,
    named=frozenset({"token"}),
    entered=_ENTERED,
    clear=_CLEAR | _IDS,
    closed=_SENT | _ASKED | {"limited_use.sinks.provider.text", "limited_use.sinks.provider.texts"},
)
IDS: Final = Watched(
    types=_TYPES
    | {_BASE + name for name in ("MessageRef", "ListPage", "ChangePage", "Relabelled")},
    written=_OPENED,
    calls=_SOURCES,
    named=frozenset({"token"}),
    entered=_ENTERED,
    clear=_CLEAR,
    closed=_SENT | _ASKED,
)
_INTRODUCTION: Final = """\
Functions that may hold plaintext of provider data
==================================================

Found by following it through the code (`flow.py`), module by module, with the reason why it
may. A function that is new here fails the build until this file is written again, and
read. `ids` are a provider's ids and cursors, and nothing more.
"""


class Unexplained(Exception):
    """A module holds plaintext, and nobody said why it may."""


@dataclass(frozen=True)
class Register:
    """What was found: names of functions, by what they may hold."""

    project: Project
    words: frozenset[str]
    ids: frozenset[str]

    def text(self, reasons: Mapping[str, tuple[Side, str]] = REASONS) -> str:
        """
        Return the register as it is committed.

        :raises Unexplained: naming every function in a module without a reason
        """
        return "\n".join(self._lines(reasons)) + "\n"

    def _lines(self, reasons: Mapping[str, tuple[Side, str]]) -> Iterator[str]:
        by_module: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.words | self.ids):
            by_module[self.project.functions[name].module].append(name)
        strangers = [
            name for module, names in by_module.items() if module not in reasons for name in names
        ]
        if strangers:
            raise Unexplained(", ".join(strangers))
        yield _INTRODUCTION
        for module, names in sorted(by_module.items()):
            side, why = reasons[module]
            yield f"{module}\n  {side.name.lower()}: {why}"
            for name in names:
                yield f"    {'' if name in self.words else 'ids '}{name.removeprefix(module + '.')}"

    def shares(self) -> Iterator[tuple[str, float]]:
        """Yield the share of the service's lines of code in such functions, and of each side."""
        total = sum(len(module.code_lines) for module in self.project.modules.values())
        lines = {name: self._size(self.project.functions[name]) for name in self.words | self.ids}
        yield "words, addresses, tokens", sum(lines[name] for name in self.words) / total
        for side in Side:
            own = [name for name in self.words if self._side(name) is side]
            yield f"  {side.name.lower()}: {side}", sum(lines[name] for name in own) / total
        yield "with ids and cursors", sum(lines.values()) / total

    def _side(self, name: str) -> Side | None:
        # A module without a reason is of no side; `text` names it.
        known = REASONS.get(self.project.functions[name].module)
        return known[0] if known else None

    def _size(self, function: Function) -> int:
        lines = self.project.modules[function.module].code_lines
        return len(lines & set(range(function.node.lineno, (function.node.end_lineno or 0) + 1)))


def of(project: Project) -> Register:
    """Return the register of `project`."""
    words = frozenset(Flow(project, WORDS).run())
    return Register(project, words, frozenset(Flow(project, IDS).run()) - words)


@cache
def current() -> Register:
    """Return the register of the service as it stands, read once."""
    return of(Project(read()))
