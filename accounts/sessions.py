"""
The session engine: Django's database store, with the person beside each session.

`SESSION_ENGINE` names this module. The key of a session is a secret, so the row holds a hash of the
key, and a copy of the table opens no session. The signature of the data is bound to that hash, so
data that is copied to another row is not accepted. A session belongs to one site: a cookie of the
ordinary site is not valid at the staff site. The statement that loads a session also reads its
person and their memberships, which the request needs next (`accounts.caller_lookup`).
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
    Delete the sessions of `user_id` and return how many there were.

    `keep` is the session key of the one that may stay. A request in flight
    cannot save a deleted session back: Django answers it with 400. A process that serves one site
    is shown the sessions of that site alone; after a new password those of the other end as well,
    because Django compares the hash of the password that each was begun with.
    """
    sessions = Session.objects.filter(user_id=user_id)
    if keep is not None:
        sessions = sessions.exclude(session_key=hash_session_key(keep))
    return sessions.delete()[0]


def hash_session_key(session_key: str) -> str:
    """Return what the table holds for `session_key`: 160 bits of its SHA-256, in hex."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Looks up the hash of a key instead of the key."""

    _caller: SessionCaller | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    @property
    def key_salt(self) -> str:
        """Return what the signature of the data is bound to: the site, and the hash of the key."""
        key_hash = hash_session_key(self._session_key) if self._session_key else ""
        return f"{super().key_salt} {settings.SITE} {key_hash}"

    def load(self) -> dict[str, Any]:
        if self.session_key is None:
            return {}
        self._caller = caller_lookup.find_session(
            hash_session_key(self.session_key), at=timezone.now()
        )
        if self._caller is None:
            # A key that we did not give out is never taken up: no fixation.
            self._session_key = None
            return {}
        return self.decode(self._caller.data)

    def find_person(self, user_id: UUID) -> User | None:
        """Return this person if they were read with the session, else None."""
        person = self._caller.person if self._caller else None
        return person if person is not None and person.pk == user_id else None

    def find_memberships(self, user_id: UUID) -> list[Membership] | None:
        """Return this person's live memberships if they were read with the session, else None."""
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
