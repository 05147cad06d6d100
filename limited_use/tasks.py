from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from .ledger import ledger_sequencer
from .policy.key_lines import KeyLine
from .rotation import key_epochs, keyring_health, rotation_schedule
from .usage import access_rates, refusal_bursts, rule_usage_counter
from .vault.keyring.keyring_port import KeyStoreUnavailable


@shared_task(name="limited_use.sequence_ledger")  # type: ignore[untyped-decorator]
def sequence_ledger(**_: object) -> None:
    ledger_sequencer.run_sequencer(timezone.now())


@shared_task(name="limited_use.count_uses")  # type: ignore[untyped-decorator]
def count_uses(**_: object) -> None:
    at = timezone.now()
    rule_usage_counter.count_applied_rules(at=at)
    refusal_bursts.alarm_bursts(at=at)
    access_rates.alarm_unusual_rates(at=at)


@shared_task(name="limited_use.turn_key_epoch")  # type: ignore[untyped-decorator]
def turn_key_epoch(**_: object) -> None:
    """
    Rotate each line that is due.

    An unavailable or wrong keyring, or a key that cannot be rewrapped, raises an alarm; other
    lines still rotate.
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
        # Retried in minutes; an interrupted turn continues.
        keyring_health.raise_unavailable_alarm(error, at=at)


def _turn_line(line: KeyLine, at: datetime) -> None:
    try:
        key_epochs.rotate_key_epoch(line, at)
    except key_epochs.LeftBehind:
        keyring_health.raise_left_behind_alarm(key_epochs.SUBJECTS[line], line, at=at)
