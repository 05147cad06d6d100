"""The reverse proxy in front of the web server, and the headers to trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.environment import Environment

#: nginx as in `config/nginx.conf`, or no proxy.
NGINX: Final = "nginx"
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """
    Trust in the proxies in front.

    :param name: NGINX, NONE, or empty if not configured
    :param count: number of proxies that add an address to X-Forwarded-For
    """

    name: str
    count: int

    @property
    def scheme_header(self) -> tuple[str, str] | None:
        """The header with the request's scheme, as in Django's setting."""
        return ("HTTP_X_FORWARDED_PROTO", "https") if self.count else None


def read_trusted_proxies(env: Environment) -> TrustedProxies:
    """Read `TRUSTED_PROXY`; without it no proxy header is trusted."""
    name = env.read_text("TRUSTED_PROXY")
    if name not in {NGINX, NONE, ""}:
        env.add_problem(f"TRUSTED_PROXY must be {NGINX} or {NONE}")
    is_behind = name == NGINX
    count = env.read_number("TRUSTED_PROXY_COUNT", int(is_behind), minimum=int(is_behind))
    if count and not is_behind:
        env.add_problem(f"TRUSTED_PROXY_COUNT is only for TRUSTED_PROXY={NGINX}")
    return TrustedProxies(name, count if is_behind else 0)
