"""Lines of the demo for the person at the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.embedded import tcp_ports
from config.embedded.running_demo import DemoAddresses

_ROOT: Final = Path(__file__).resolve().parents[2]
# The sandbox keeps grants in memory.
_EARLIER_DATA: Final = (
    "The data is of an earlier start. The sandbox is new: reconnect accounts that were connected."
)
_PUBLIC, _STAFF, _SANDBOX = "Antares", "the staff site", "the sandbox"


def print_line(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def print_start() -> None:
    print_line("Starting the demo: database, broker, sandbox, web servers and workers …")


def print_ready(  # noqa: PLR0913 - one report in full
    addresses: DemoAddresses,
    *,
    seconds: float,
    folder: Path,
    ports: DemoPorts,
    given_settings: Iterable[str],
    has_earlier_data: bool,
) -> None:
    """
    :param folder: of the demo's data
    :param ports: what the person asked for
    :param given_settings: names of settings that replace those of the sandbox
    :param has_earlier_data: whether an earlier start made the data
    """
    shown_folder = shorten_path(folder)
    for line in (
        f"Ready after {seconds:.1f} s.",
        "",
        f"  Open         {addresses.start_page}",
        "",
        "Next steps:",
        "  1. On that page, select “Sign in as Alice”. You need no password.",
        "  2. In Settings, connect Google mail: the sandbox has accounts for you.",
        "  3. Go on with the list on that page. Antares ticks each step when it has happened.",
        "",
        f"  Antares      {addresses.public}",
        f"  Staff site   {addresses.staff}  (support, review, operations)",
        f"  Sandbox      {addresses.sandbox}  (stands in for Google and Microsoft)",
        f"  Passwords    {shown_folder}/people.json",
        f"  Mail         {shown_folder}/mail  (from Antares to its users)",
        f"  Logs         {shown_folder}/logs",
        "",
        *ports.explain_changes(addresses),
        *[_EARLIER_DATA] * has_earlier_data,
        *(f"{name} is set: the demo uses it instead of the sandbox's." for name in given_settings),
        "Press Ctrl-C to stop.",
    ):
        print_line(line)


def print_running(addresses: DemoAddresses | None) -> None:
    """Say where the demo runs that another terminal started."""
    if addresses is None:
        print_line("The demo is starting in another terminal, which prints the address soon.")
    else:
        print_line(f"The demo is already running: open {addresses.start_page}")
        print_line("To stop it, press Ctrl-C in the terminal that started it.")


def print_stopping() -> None:
    """For signal handlers: unbuffered, because the signal may come in the middle of a line."""
    os.write(sys.stdout.fileno(), "\nStopping …\n".encode())


def print_stopped(folder: Path) -> None:
    print_line(
        f"Stopped. The data stays in {shorten_path(folder)}: delete that folder to start over."
    )


def shorten_path(path: Path) -> Path:
    """Return the path from the project's folder, if it is in there."""
    path = path.resolve()
    return path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path


class DemoPorts:
    """The ports that the person asked for; 0: any."""

    def __init__(self, *, public: int, staff: int, sandbox: int) -> None:
        self._wanted: Mapping[str, int] = {_PUBLIC: public, _STAFF: staff, _SANDBOX: sandbox}

    def explain_changes(self, addresses: DemoAddresses) -> list[str]:
        """Return a line for each port that could not be had."""
        urls = {_PUBLIC: addresses.public, _STAFF: addresses.staff, _SANDBOX: addresses.sandbox}
        return [
            f"Port {wanted} {tcp_ports.explain_unavailable(wanted)},"
            f" so {name} uses port {urlsplit(urls[name]).port}."
            for name, wanted in self._wanted.items()
            if wanted not in {0, urlsplit(urls[name]).port}
        ]
