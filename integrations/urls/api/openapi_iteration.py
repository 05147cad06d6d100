from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def iterate_operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()
