"""Finds the discovery document's method for a verb and a path."""

from functools import cache
from urllib.parse import unquote

from integrations.sandbox.schemas import ApiMethod, get_methods

UPLOADS = ("/upload", "/resumable/upload")


@cache
def _get_routes() -> dict[tuple[str, int], list[tuple[list[str], ApiMethod]]]:
    """Fewer placeholders first."""
    table: dict[tuple[str, int], list[tuple[list[str], ApiMethod]]] = {}
    for method in get_methods().values():
        segments = method.template.split("/")
        table.setdefault((method.http_method, len(segments)), []).append((segments, method))
    for rows in table.values():
        rows.sort(key=lambda row: sum(segment.startswith("{") for segment in row[0]))
    return table


def find_method(verb: str, path: str) -> tuple[ApiMethod, dict[str, str]] | None:
    for prefix in UPLOADS:
        if path.startswith(f"{prefix}/"):
            match = find_method(verb, path.removeprefix(prefix))
            return match if match and match[0].upload else None
    segments = path.split("/")
    for template, method in _get_routes().get((verb, len(segments)), ()):
        values = _match_template(template, segments)
        if values is not None:
            return method, values
    return None


def _match_template(template: list[str], segments: list[str]) -> dict[str, str] | None:
    values = {}
    for placeholder, segment in zip(template, segments, strict=True):
        if placeholder.startswith("{") and placeholder.endswith("}"):
            if not segment:
                return None
            values[placeholder[1:-1]] = unquote(segment)
        elif placeholder != segment:
            return None
    return values
