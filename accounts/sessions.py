"""
The session engine: Django's database store, with the person of each session.

A row holds a hash of the session key, so a copy of the table opens no session; the data's
signature is bound to it. A session belongs to one site. Loading a session also reads person and
memberships (`accounts.caller_lookup`).
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts import caller_lookup
from accounts.caller_lookup import SessionCaller
from accounts.models import Membership, Session, User


def end_sessions(*, user_id: UUID, keep: str | None = None) -> int:
    """
    Delete the sessions of `user_id` at this process's site; return how many.

    A running request cannot save a deleted session back: Django answers 400. A new password also
    ends those of the other site, because Django compares password hashes.

    :param keep: a session key
    """
    sessions = Session.objects.filter(user_id=user_id)
    if keep is not None:
        sessions = sessions.exclude(session_key=hash_session_key(keep))
    return sessions.delete()[0]


def hash_session_key(session_key: str) -> str:
    """Return 160 bits of the key's SHA-256, in hex."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    _caller: SessionCaller | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    @property
    def key_salt(self) -> str:
        """Bind the data's signature to the site and the hash of the key."""
        key_hash = hash_session_key(self._session_key) if self._session_key else ""
        return f"{super().key_salt} {settings.SITE} {key_hash}"

    def load(self) -> dict[str, Any]:
        if self.session_key is None:
            return {}
        self._caller = caller_lookup.find_session(
            hash_session_key(self.session_key), at=timezone.now()
        )
        if self._caller is None:
            # Never adopt a key that this service did not issue: no session fixation.
            self._session_key = None
            return {}
        return self.decode(self._caller.data)

    def find_person(self, user_id: UUID) -> User | None:
        person = self._caller.person if self._caller else None
        return person if person is not None and person.pk == user_id else None

    def find_memberships(self, user_id: UUID) -> list[Membership] | None:
        return self._caller.memberships if self._caller and self.find_person(user_id) else None

    def exists(self, session_key: str) -> bool:
        return super().exists(hash_session_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = super().create_model_instance(data)
        user_id = data.get(SESSION_KEY)
        return Session(
            session_key=hash_session_key(session.session_key),
            session_data=session.session_data,
            expire_date=session.expire_date,
            user_id=UUID(user_id) if user_id else None,
            site=settings.SITE,
        )

    def delete(self, session_key: str | None = None) -> None:
        key = self.session_key if session_key is None else session_key
        if key is not None:
            Session.objects.filter(session_key=hash_session_key(key)).delete()
