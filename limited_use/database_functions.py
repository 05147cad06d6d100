"""
Database functions that run with their owner's rights, parsed from ``.sql`` files. Free of Django.

`manage.py database_walls` restores their owners, grants and text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The fixed search path keeps a caller's tables and functions out of the body.
_STATEMENT = re.compile(
    r"CREATE OR REPLACE FUNCTION public\.(?P<name>\w+)\((?P<arguments>[^)]*)\)\n"
    r"RETURNS [^;$]+\n"
    r"LANGUAGE sql (?P<volatility>STABLE|VOLATILE) SECURITY DEFINER"
    r" SET search_path = pg_catalog, pg_temp AS \$body\$(?P<body>[^$]+)\$body\$;"
)


@dataclass(frozen=True, slots=True)
class DatabaseFunction:
    """
    :param argument_types: as in the catalogue
    :param body: one SQL statement
    :param statement: creates the function, or replaces one of the same return type
    :param classes: process classes that may execute it
    """

    name: str
    argument_types: tuple[str, ...]
    body: str
    is_stable: bool
    statement: str
    classes: frozenset[str]

    @property
    def signature(self) -> str:
        return f"{self.name}({','.join(self.argument_types)})"


def load_functions(
    path: Path, classes: Mapping[str, frozenset[str]]
) -> tuple[DatabaseFunction, ...]:
    """
    :param classes: the process classes that may execute each function
    :raises ValueError: if the file creates functions of other names or form
    """
    text = path.read_text(encoding="utf-8")
    functions = tuple(_parse_function(match, classes) for match in _STATEMENT.finditer(text))
    if len(functions) != text.count("CREATE ") or {function.name for function in functions} != set(
        classes
    ):
        raise ValueError(f"{path.name} does not create {sorted(classes)} in the form expected")
    return functions


def _parse_function(
    match: re.Match[str], classes: Mapping[str, frozenset[str]]
) -> DatabaseFunction:
    arguments = [argument.strip() for argument in match["arguments"].split(",")]
    return DatabaseFunction(
        name=match["name"],
        argument_types=tuple(argument.partition(" ")[2] for argument in arguments if argument),
        body=match["body"],
        is_stable=match["volatility"] == "STABLE",
        statement=match[0],
        classes=classes.get(match["name"], frozenset()),
    )
