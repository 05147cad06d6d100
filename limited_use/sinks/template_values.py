"""
Hides opened values from templates, so that only `{% reveal %}` shows them.

A handle holds a number; one list holds the values until the rendering ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, final

from django.http import HttpRequest
from django.template.loader import render_to_string

from limited_use.vault.sealed import REFUSED_METHODS

# Templates cannot read names with a leading underscore.
CONTEXT_KEY: Final = "_showing"
# Constants: `str | bytes` creates a new union type at each evaluation.
_TEXT: Final = (str, bytes)
_LISTS: Final = (list, tuple)


class NotRevealed(Exception):
    """A template used an opened value without `{% reveal %}`, or outside a sink."""


def _refuse_use(*_: object, **__: object) -> NoReturn:
    raise NotRevealed("opened, and held: only `{% reveal %}` shows it")


@final
class HiddenValue:
    __slots__ = ("_place", "_showing")

    _place: int
    _showing: RevealScope

    def __init__(self, showing: RevealScope, place: int) -> None:
        object.__setattr__(self, "_showing", showing)
        object.__setattr__(self, "_place", place)

    def __setattr__(self, *_: object) -> NoReturn:
        _refuse_use()

    def __repr__(self) -> str:
        return "<HiddenValue>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


for _name in REFUSED_METHODS:
    type.__setattr__(HiddenValue, _name, _refuse_use)


@dataclass(frozen=True, slots=True)
class TemplateItem:
    """
    A shaped row.

    :param clear: our own words, ids, counts and times, shown as they are
    :param opened: content of sealed columns, or derived from it
    """

    clear: Mapping[str, Any]
    opened: Mapping[str, Any] = field(default_factory=dict)


# Returns the template values of a row and its opened columns. In a plain mapping every text is
# hidden.
Shape = Callable[[Any, Mapping[str, bytes]], Mapping[str, Any] | TemplateItem]


class RevealScope:
    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[str | bytes] | None = []

    def hide_texts(self, value: Any) -> Any:
        """Return `value` with every text hidden, except in the clear part of a `TemplateItem`."""
        if isinstance(value, _TEXT):
            if self._values is None:
                raise NotRevealed("the rendering is over")
            self._values.append(value)
            return HiddenValue(self, len(self._values) - 1)
        if isinstance(value, Mapping):
            return {key: self.hide_texts(inner) for key, inner in value.items()}
        if isinstance(value, _LISTS):
            return [self.hide_texts(inner) for inner in value]
        if isinstance(value, TemplateItem):
            return {**value.clear, **self.hide_texts(value.opened)}
        return value

    def reveal_texts(self, value: Any) -> Any:
        """:raises NotRevealed: if a text is of another or an ended rendering"""
        if isinstance(value, HiddenValue):
            if value._showing is not self or self._values is None:  # noqa: SLF001
                raise NotRevealed("held for another rendering")
            return self._values[value._place]  # noqa: SLF001
        if isinstance(value, Mapping):
            return {key: self.reveal_texts(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.reveal_texts(inner) for inner in value]
        return value

    def end_scope(self) -> None:
        self._values = None


def render_template(  # noqa: PLR0913 - a template and its values
    template: str,
    items: Iterable[Mapping[str, Any] | TemplateItem],
    *,
    context: Mapping[str, Any],
    under: str,
    request: HttpRequest | None,
    accounts: Iterable[TemplateItem] | None = None,
) -> bytes:
    """:param accounts: shown as `accounts`; None: as `context` says"""
    scope = RevealScope()
    try:
        hidden = {under: [scope.hide_texts(item) for item in items]}
        if accounts is not None:
            hidden["accounts"] = [scope.hide_texts(account) for account in accounts]
        return render_to_string(
            template, {**context, **hidden, CONTEXT_KEY: scope}, request
        ).encode()
    finally:
        scope.end_scope()
