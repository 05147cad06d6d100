"""
Public ledger files: the newest signed checkpoint, and consistency proofs.

Plain text in the formats of https://c2sp.org/tlog-checkpoint and /tlog-witness, for monitors and
witnesses.
"""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from limited_use.ledger import tile_store

_SIZE = re.compile(r"[1-9][0-9]{0,17}\Z")


@never_cache
@require_safe
def show_checkpoint(_: HttpRequest) -> HttpResponse:
    note = tile_store.get_latest_note()
    return (
        _render_text("nothing was signed yet\n", status=404) if note is None else _render_text(note)
    )


@never_cache
@require_safe
def show_consistency_proof(request: HttpRequest) -> HttpResponse:
    """Prove that the signed tree of size `to` begins with that of size `from`."""
    old, new = request.GET.get("from", ""), request.GET.get("to", "")
    if not _SIZE.match(old) or not _SIZE.match(new):
        return _render_text("name two sizes: ?from=1&to=2\n", status=400)
    try:
        return _render_text(tile_store.prove_consistency(int(old), int(new)))
    except ValueError as problem:
        return _render_text(f"{problem}\n", status=404)


def _render_text(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
