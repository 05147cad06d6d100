"""
Opened values on a page: held, so that `{% reveal %}` alone shows them, while a sink renders.

A handle holds a number and no text. What was opened stands in one list, which is emptied
when the rendering ends; a handle that got away then leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, final

from django.http import HttpRequest
from django.template.loader import render_to_string

from limited_use.vault.sealed import REFUSED_METHODS

# Templates cannot name what begins like this.
CONTEXT_KEY: Final = "_showing"
# Constants: `str | bytes` makes a new union of types each time that it is evaluated.
_TEXT: Final = (str, bytes)
_LISTS: Final = (list, tuple)


class NotRevealed(Exception):
    """A template treated an opened value as text, or showed one outside a sink: `{% reveal %}`."""


def _refuse_use(*_: object, **__: object) -> NoReturn:
    raise NotRevealed("opened, and held: only `{% reveal %}` shows it")


@final
class HiddenValue:
    """An opened value, by its place in a rendering."""

    __slots__ = ("_place", "_showing")

    _place: int
    _showing: RevealScope

    def __init__(self, showing: RevealScope, place: int) -> None:
        object.__setattr__(self, "_showing", showing)
        object.__setattr__(self, "_place", place)

    def __setattr__(self, *_: object) -> NoReturn:
        _refuse_use()

    def __repr__(self) -> str:
        return "<Held>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


for _name in REFUSED_METHODS:
    type.__setattr__(HiddenValue, _name, _refuse_use)


@dataclass(frozen=True, slots=True)
class TemplateItem:
    """
    What a shape makes of a row where most of it is in clear.

    :param clear: our own words, ids, counts and times: used in templates as they are
    :param opened: what came out of sealed columns, or was made of it
    """

    clear: Mapping[str, Any]
    opened: Mapping[str, Any] = field(default_factory=dict)


# From a row and its opened columns to what a page shows. In a plain mapping every text is held.
Shape = Callable[[Any, Mapping[str, bytes]], Mapping[str, Any] | TemplateItem]


class RevealScope:
    """What one rendering may reveal."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[str | bytes] | None = []

    def hide_texts(self, value: Any) -> Any:
        """
        Return `value` with every text in it held; ids, numbers, flags and times stay.

        Of a `Shown` in it, the clear part stays as it is.
        """
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
        """
        Return `value` with every held text in it as it is.

        :raises StillHeld: if one is of another rendering, or this one is over
        """
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


def render_template(
    template: str,
    items: Iterable[Mapping[str, Any] | TemplateItem],
    *,
    context: Mapping[str, Any],
    under: str,
    request: HttpRequest | None,
) -> bytes:
    """Return `template` in UTF-8, with what was `made` of rows as `under`. Called in sinks only."""
    scope = RevealScope()
    try:
        hidden_items = [scope.hide_texts(item) for item in items]
        return render_to_string(
            template, {**context, under: hidden_items, CONTEXT_KEY: scope}, request
        ).encode()
    finally:
        scope.end_scope()
