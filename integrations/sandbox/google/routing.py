"""A path and a verb → the method of the discovery document that they mean."""

from functools import cache
from urllib.parse import unquote

from integrations.sandbox.schemas import Method, methods

UPLOADS = ("/upload", "/resumable/upload")


@cache
def _table() -> dict[tuple[str, int], list[tuple[list[str], Method]]]:
    """By verb and number of segments; templates with fewer placeholders first."""
    table: dict[tuple[str, int], list[tuple[list[str], Method]]] = {}
    for method in methods().values():
        segments = method.template.split("/")
        table.setdefault((method.http_method, len(segments)), []).append((segments, method))
    for rows in table.values():
        rows.sort(key=lambda row: sum(segment.startswith("{") for segment in row[0]))
    return table


def find(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    for prefix in UPLOADS:
        if path.startswith(f"{prefix}/"):
            found = find(verb, path.removeprefix(prefix))
            return found if found and found[0].upload else None
    segments = path.split("/")
    for template, method in _table().get((verb, len(segments)), ()):
        values = _match(template, segments)
        if values is not None:
            return method, values
    return None


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    values = {}
    for wanted, given in zip(template, segments, strict=True):
        if wanted.startswith("{") and wanted.endswith("}"):
            if not given:
                return None
            values[wanted[1:-1]] = unquote(given)
        elif wanted != given:
            return None
    return values
