"""Read what a stranger sends, in bounded work."""

from __future__ import annotations

from django.http import HttpRequest

from integrations.providers import errors

# A notification is some hundred bytes.
LONGEST = 16 * 1024


def body(request: HttpRequest, *, longest: int = LONGEST) -> bytes:
    """
    Return the body of a request.

    :raises errors.Rejected: if it is longer than any notification
    """
    # What it says of its length is not believed: no more than that is read.
    data = request.read(longest + 1)
    if len(data) > longest:
        raise errors.Rejected("longer than a notification", reason="too-large")
    return data
