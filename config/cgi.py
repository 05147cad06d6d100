"""What a request knows of the process that answers it: nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def without_our_environment(serve: Application) -> Application:
    """
    Keep what this process has in its environment, secrets among it, out of every request.

    A server may put it there, as in CGI (PEP 3333), and whatever keeps or shows a request then
    keeps or shows it as well.
    """
    own = dict(os.environ)

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        for name in own.keys() & environ.keys():
            if environ[name] == own[name]:
                del environ[name]
        return serve(environ, start_response)

    return served
