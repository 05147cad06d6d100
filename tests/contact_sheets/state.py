"""A state of a page: a name, what it shows, and a function that brings it about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """
    :param group: title of the contact sheet that the state is on
    :param name: unique, such as `settings/one-account`
    :param show: makes the rows and returns the response of the page
    :param members: members of enumerations that the page depends on
    :param status: of the response
    :param scene: makes rows once for consecutive states, which find its result as `stage.scene`
    """

    group: str
    name: str
    show: Callable[[Any], Any]
    members: tuple[Enum, ...] = ()
    status: int = 200
    scene: Callable[[Any], Any] | None = None


class Group:
    """The states of one contact sheet, in the order in which they are listed."""

    def __init__(self, key: str, title: str) -> None:
        self.key, self.title = key, title
        self._states: dict[str, State] = {}

    def state(
        self,
        *members: Enum,
        name: str = "",
        status: int = 200,
        scene: Callable[[Any], Any] | None = None,
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """List a state; its name is that of the function."""

        def add(show: Callable[[Any], Any]) -> Callable[[Any], Any]:
            label = name or show.__name__.replace("_", "-")
            self._add(State(self.title, label, show, members, status, scene))
            return show

        return add

    def states(
        self,
        table: Mapping[Any, Any] | Iterable[Any],
        *,
        status: int = 200,
        scene: Callable[[Any], Any] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        List a state for each key of `table`; the function takes the key, and the value, if any.

        A key that is a member of an enumeration, or a tuple of members, is what the state shows.
        """

        def add(show: Callable[..., Any]) -> Callable[..., Any]:
            prefix = show.__name__.replace("_", "-")
            for key in table:
                keys = key if isinstance(key, tuple) else (key,)
                values = (table[key],) if isinstance(table, Mapping) else ()
                members = tuple(part for part in keys if isinstance(part, Enum))
                label = "-".join(_name_key(part) for part in keys)
                shown = _bind(show, key, *values)
                self._add(State(self.title, f"{prefix}-{label}", shown, members, status, scene))
            return show

        return add

    def _add(self, state: State) -> None:
        name = f"{self.key}/{state.name}"
        assert name not in self._states, f"{name} is listed twice"
        self._states[name] = replace(state, name=name)

    def __iter__(self) -> Iterator[State]:
        return iter(self._states.values())


def _bind(show: Callable[..., Any], *arguments: Any) -> Callable[[Any], Any]:
    return lambda stage: show(stage, *arguments)


def _name_key(key: Any) -> str:
    text = str(key.value) if isinstance(key, Enum) else str(key)
    return text.replace("_", "-").replace(".", "-") or "none"
