"""
A reviewer's run of all forbidden uses, against the running guard.

A run seals canary data under a new key, which belongs to nobody, asks the guard for each case of
`forbidden_uses`, and destroys the key. The sealed canaries exist only in memory. As a control, the
run opens them under a permitted use (re-encryption), which shows that there is data to refuse. The
guard records each decision in the ledger as usual, about `CANARY_ID`; the run's id is the item.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.apps import apps
from django.db import models, transaction

from accounts import alarms
from accounts.actors import SYSTEM, Actor, ActorKind
from limited_use.access_request import CANARY_ID, AccessRequest, Permit
from limited_use.guard import guard
from limited_use.ledger import entries
from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass, Fact, Recipient, Use
from limited_use.sinks import rekey_sink
from limited_use.vault import data_keys, sealing
from limited_use.vault.envelope import Unopenable
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import SealedValue

from . import forbidden_use_results, forbidden_uses
from .forbidden_use_results import CONTROL, SUMMARY_ID, RunSummary
from .forbidden_uses import ForbiddenUse

ALARM_KIND: Final = "forbidden_use.permitted"
# People and clients of the requests. No row has these ids.
_OWNER_ID: Final = UUID("ca9a2700-0000-4000-8000-000000000002")
_OTHER_ID: Final = UUID("ca9a2700-0000-4000-8000-000000000003")
_CLIENT_ID: Final = UUID("ca9a2700-0000-4000-8000-000000000004")
_CANARY_BYTES: Final = 32


def list_canary_columns() -> Mapping[DataClass, tuple[type[models.Model], str]]:
    """Return a sealed column for each data class that has one."""
    columns: dict[DataClass, tuple[type[models.Model], str]] = {}
    for model in apps.get_models():
        for column in model._meta.concrete_fields:  # noqa: SLF001 - Django's documented model API
            if isinstance(column, SealedField):
                columns.setdefault(column.data_class, (model, column.name))
    return columns


def run_forbidden_uses(run_id: UUID, *, at: datetime) -> RunSummary:
    """
    Run all cases and return what the summary in the ledger says.

    A second call for the same run, as of a message that was delivered twice, changes nothing.

    :raises RuntimeError: inside a transaction
    """
    if (earlier := forbidden_use_results.get_run_summary(run_id)) is not None:
        return earlier
    with transaction.atomic():
        # A key of the same run, if an earlier worker was killed.
        data_keys.destroy_data_key(holder=run_id)
        sealer = sealing.create_sealer(holder=run_id, line=KeyLine.ACCOUNT, at=at, epoch=1)
    try:
        canaries = _Canaries(sealer, run_id)
        cases = forbidden_uses.list_forbidden_uses(canaries.columns)
        answers = guard.decide_each_request([_build_request(run_id, case) for case in cases], at=at)
        permitted_count = sum(isinstance(answer, Permit) for answer in answers)
        is_control_open = canaries.open_all(at=at)
    finally:
        with transaction.atomic():
            data_keys.destroy_data_key(holder=run_id)
    if permitted_count:
        alarms.raise_alarm(
            kind=ALARM_KIND,
            about=run_id,
            window=f"{at:%Y-%m-%d}",
            body={"count": permitted_count},
            at=at,
        )
    summary = RunSummary(
        run_id, at, len(cases), len(cases) - permitted_count, is_control_open=is_control_open
    )
    _record_summary(summary)
    return summary


def _build_request(run_id: UUID, case: ForbiddenUse) -> AccessRequest:
    actor = _choose_actor(case)
    return AccessRequest(
        use=case.use,
        holder=run_id,
        epoch=1,
        actor=actor,
        on_behalf_of=_OWNER_ID,
        facts=case.facts,
        feature=case.feature,
        item=run_id,
        about=CANARY_ID,
    )


def _choose_actor(case: ForbiddenUse) -> Actor:
    """Return the actor that could have all facts of the case: a client, a person, or the system."""
    if case.is_client:
        return Actor(
            ActorKind.CLIENT,
            id=_CLIENT_ID,
            user_id=_OWNER_ID,
            feature=case.feature,
            purpose=case.use.purpose,
        )
    if case.use.recipient in {Recipient.SUPPORT_AGENT, Recipient.REGISTERED_USER}:
        return Actor(ActorKind.PERSON, id=_OTHER_ID, user_id=_OTHER_ID)
    if case.use.recipient == Recipient.OWNER or Fact.ACTOR_OWNS in case.facts:
        return Actor(ActorKind.PERSON, id=_OWNER_ID, user_id=_OWNER_ID)
    return SYSTEM


class _Canaries:
    """One sealed value of each data class, in memory, under the run's own key."""

    def __init__(self, sealer: sealing.Sealer, run_id: UUID) -> None:
        self._sealer, self._run_id = sealer, run_id
        self.columns = list_canary_columns()
        self._texts = {
            str(data_class): f"canary {data_class} {secrets.token_hex(_CANARY_BYTES)}".encode()
            for data_class in self.columns
        }
        self._sealed = {name: self._seal(name, text) for name, text in self._texts.items()}

    def open_all(self, *, at: datetime) -> bool:
        """Seal all again under a permit; return whether each opened as it was sealed."""
        requests = [
            AccessRequest(
                use=Use(data_class, *CONTROL),
                holder=self._run_id,
                epoch=1,
                actor=SYSTEM,
                on_behalf_of=None,
                facts=frozenset({Fact.KEY_LIVE}),
                item=self._run_id,
                about=CANARY_ID,
            )
            for data_class in self.columns
        ]
        permits = {
            (permit.holder, permit.use.data_class): permit
            for permit in guard.permits(requests, at=at)
        }
        opened: set[str] = set()

        def compare_and_seal(name: str, data: bytes) -> SealedValue:
            if secrets.compare_digest(data, self._texts[name]):
                opened.add(name)
            return self._seal(name, data)

        try:
            rekey_sink.reseal_columns(self._sealed, permits, lambda: compare_and_seal, at=at)
        except Unopenable:
            return False
        return opened == self._texts.keys()

    def _seal(self, name: str, data: bytes) -> SealedValue:
        model, column = self.columns[DataClass(name)]
        return self._sealer.seal_value(model, column, row=self._run_id, data=data)


def _record_summary(summary: RunSummary) -> None:
    body: Mapping[str, entries.EntryValue] = {
        "event": "forbidden_uses.tried",
        "at": entries.to_milliseconds(summary.at),
        "subject": entries.get_ledger_pseudonym(SUMMARY_ID),
        "code": entries.get_code_revision(),
        "body": {
            "asked": summary.asked_count,
            "refused": summary.refused_count,
            "control_opened": int(summary.is_control_open),
        },
    }
    entries.append_ledger_entries([(summary.id, body)])
