"""
The functions of the database that run with their owner's rights, as their ``.sql`` files have them.

A migration runs the same files. `manage.py database_walls` sets owners and grants, and replaces a
function whose text differs from its file. Free of Django.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The fixed search path keeps a caller's own tables and functions out of the body.
_STATEMENT = re.compile(
    r"CREATE OR REPLACE FUNCTION public\.(?P<name>\w+)\((?P<arguments>[^)]*)\)\n"
    r"RETURNS [^;$]+\n"
    r"LANGUAGE sql (?P<volatility>STABLE|VOLATILE) SECURITY DEFINER"
    r" SET search_path = pg_catalog, pg_temp AS \$body\$(?P<body>[^$]+)\$body\$;"
)


@dataclass(frozen=True, slots=True)
class DatabaseFunction:
    """
    One function.

    :param argument_types: as the catalogue writes them
    :param body: one SQL statement
    :param statement: creates the function, or replaces one that returns the same
    :param classes: the classes of process that may execute it
    """

    name: str
    argument_types: tuple[str, ...]
    body: str
    is_stable: bool
    statement: str
    classes: frozenset[str]

    @property
    def signature(self) -> str:
        """Name and argument types, as the catalogue writes them."""
        return f"{self.name}({','.join(self.argument_types)})"


def load_functions(
    path: Path, classes: Mapping[str, frozenset[str]]
) -> tuple[DatabaseFunction, ...]:
    """
    Return the functions that the file at `path` creates.

    :param classes: the classes of process that may execute each function, by its name
    :raises ValueError: if the file creates other functions than `classes` names, or one in another
        form
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
