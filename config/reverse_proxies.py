"""The reverse proxy in front of the web server: whose headers are believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.environment import Environment

#: nginx as in `config/nginx.conf`, or a server that clients reach directly.
NGINX: Final = "nginx"
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """
    What the proxies in front are trusted with.

    :param name: NGINX, NONE, or empty: nobody said
    :param count: how many of them add an address to X-Forwarded-For
    """

    name: str
    count: int

    @property
    def scheme_header(self) -> tuple[str, str] | None:
        """Return the header, as Django's setting has it, by which the proxy tells the scheme."""
        return ("HTTP_X_FORWARDED_PROTO", "https") if self.count else None


def read_proxies(env: Environment) -> TrustedProxies:
    """Return `TRUSTED_PROXY`; no header of a proxy is believed unless it names one."""
    name = env.read_text("TRUSTED_PROXY")
    if name not in {NGINX, NONE, ""}:
        env.add_problem(f"TRUSTED_PROXY must be {NGINX} or {NONE}")
    is_behind = name == NGINX
    count = env.read_number("TRUSTED_PROXY_COUNT", int(is_behind), minimum=int(is_behind))
    if count and not is_behind:
        env.add_problem(f"TRUSTED_PROXY_COUNT is only for TRUSTED_PROXY={NGINX}")
    return TrustedProxies(name, count if is_behind else 0)
