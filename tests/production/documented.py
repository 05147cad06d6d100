"""The blocks of config/README.md's section "Production, step by step"."""

from __future__ import annotations

import re

from tests.config.documented import README

_PART = re.compile(
    r"^\*\*(?P<title>.+?)\*\*|^```\w*\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HOSTS = re.compile(r"^ *acl providers dstdomain (.+)$", re.MULTILINE)


class Blocks:
    """Blocks by the bold words that they follow. Each is read once at least."""

    def __init__(self) -> None:
        section = _text().split("\n## Production, step by step\n")[1]
        section = re.split(r"\n##+ ", section)[0]
        self._blocks: dict[str, list[str]] = {}
        title = ""
        for part in _PART.finditer(section):
            if part["title"]:
                title = part["title"]
            else:
                self._blocks.setdefault(title, []).append(part["block"])
        self._unread = {(name, at) for name, of in self._blocks.items() for at in range(len(of))}

    def read(self, title: str, names: dict[str, str], *, number: int = 0) -> str:
        """
        Return a block with the names of this machine.

        :param names: see `replace`
        """
        self._unread.discard((title, number))
        return replace(self._blocks[title][number], names)

    def list_unread(self) -> list[tuple[str, int]]:
        return sorted(self._unread)


def replace(text: str, names: dict[str, str]) -> str:
    """Replace every name; each of them has to be in the text."""
    for documented, ours in names.items():
        assert documented in text, f"the section has no {documented!r} here"
        text = text.replace(documented, ours)
    return text


def read_environment(text: str) -> dict[str, str]:
    """Return the settings of a block of NAME=value lines."""
    return dict(line.split("=", 1) for line in text.splitlines())


def read_provider_hosts() -> list[str]:
    """Return the hosts that the documented Squid lets through."""
    return [host for line in _HOSTS.findall(_text()) for host in line.split()]


def _text() -> str:
    return README.read_text(encoding="utf-8")
