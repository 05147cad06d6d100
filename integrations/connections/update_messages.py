"""How Antares learns of new mail, for the details of a mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import display_times
from integrations.connections.sync_progress import SyncProgress
from integrations.models import StatusReason
from integrations.push.watch_health import WatchHealth
from integrations.sync.check_intervals import IntervalReason, PollInterval
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class UpdateSource:
    """
    :param notified_at: last notification of the provider
    :param notified_until: end of the notifications unless renewed
    """

    says: StrOrPromise
    notified_at: datetime | None = None
    notified_until: datetime | None = None


def describe_updates(
    watch: WatchHealth | None, *, label: str, interval: PollInterval | None, at: datetime
) -> UpdateSource:
    """:param interval: None while checks are irregular"""
    checks = _describe_checks(label, interval)
    if watch is None or not watch.is_live(at):
        return UpdateSource(checks)
    provider = {"provider": label}
    if watch.is_trusted(at):
        says = _("%(provider)s notifies Antares of new mail immediately.") % provider
    elif watch.get_silence_start(at) is not None:
        says = _("%(provider)s does not notify Antares of new mail, although it should.") % provider
    else:
        says = _("%(provider)s is about to start notifying Antares of new mail.") % provider
    return UpdateSource(f"{says} {checks}", watch.last_event_at, watch.expires_at)


def _describe_checks(label: str, interval: PollInterval | None) -> str:
    if interval is None:
        return _("Antares checks %(provider)s again at the time under “Next check”.") % {
            "provider": label
        }
    interval_text = format_interval(interval.seconds)
    if interval.reason == IntervalReason.TOLD:
        return _("Antares also checks every %(interval)s.") % {"interval": interval_text}
    checks = _("Antares checks %(provider)s every %(interval)s.") % {
        "provider": label,
        "interval": interval_text,
    }
    if interval.reason == IntervalReason.USUAL:
        return checks
    says = claim(
        "settings.checked-rarely",
        _(
            "Checks are rare because nobody has opened this mail in Antares since %(since)s."
            " After you open your inbox, Antares checks every %(usual)s again."
        )
        % {
            "since": display_times.format_day(interval.looked_at),
            "usual": format_interval(settings.SYNC_INTERVAL_SECONDS),
        },
    )
    return f"{checks} {says}"


def format_interval(seconds: int) -> str:
    """Return a duration as it follows “every”: `minute`, `10 minutes`."""
    if seconds % 60:
        return ngettext("second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = seconds // 60
    return ngettext("minute", "%(count)d minutes", minutes) % {"count": minutes}


def explain_wait(progress: SyncProgress, *, label: str, is_importing: bool) -> str:
    """
    Return why the next try is later; empty if nothing is wrong.

    :param label: the provider's name
    """
    if is_importing and progress.pause_reason == StatusReason.RATE_LIMITED:
        return _(
            "%(provider)s limits how fast mail can be read. The import continues automatically."
        ) % {"provider": label}
    if progress.failing_since is not None:
        return _("The last check failed.")
    return ""
