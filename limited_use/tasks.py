"""Celery entry points of limited use: order and count the ledger, turn the key epochs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from .ledger import sequencer
from .policy.key_lines import KeyLine
from .rotation import key_epochs, keyring_health, rotation_schedule
from .usage import access_rates, refusal_bursts, usage_counter
from .vault.keyring.port import KeyStoreUnavailable


@shared_task(name="limited_use.sequence_ledger")  # type: ignore[untyped-decorator]
def sequence_ledger(**_: object) -> None:
    """Place, sign and publish what waits in the ledger."""
    sequencer.run_sequencer(timezone.now())


@shared_task(name="limited_use.count_uses")  # type: ignore[untyped-decorator]
def count_uses(**_: object) -> None:
    """Count by rule and actor what the ledger holds, and look for what is unusual."""
    at = timezone.now()
    usage_counter.count_entries(at=at)
    refusal_bursts.alarm_bursts(at=at)
    access_rates.alarm_unusual_rates(at=at)


@shared_task(name="limited_use.turn_key_epoch")  # type: ignore[untyped-decorator]
def turn_key_epoch(**_: object) -> None:
    """
    Turn each line of keys whose epoch has lasted long enough to keep the promise.

    A keyring that does not answer, or that does not fit its keys, is an alarm; and so is a line
    in which a key cannot be wrapped anew: its epochs go on, and those of the others end.
    """
    at = timezone.now()
    keyring_health.check_keyring(at=at)
    try:
        for line in KeyLine:
            if rotation_schedule.is_rotation_due(
                line, at=at, max_hours=rotation_schedule.get_max_hours(line)
            ):
                with suppress(key_epochs.AlreadyTurning):
                    _turn_line(line, at)
    except KeyStoreUnavailable as error:
        # Asked again in minutes; a turn that was cut short goes on.
        keyring_health.raise_unavailable_alarm(error, at=at)


def _turn_line(line: KeyLine, at: datetime) -> None:
    try:
        key_epochs.rotate_epoch(line, at)
    except key_epochs.LeftBehind:
        keyring_health.raise_left_behind_alarm(key_epochs.SUBJECTS[line], line, at=at)
