from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from accounts.tasks import forget_expired


@pytest.mark.django_db
class TestForgetExpired:
    @pytest.mark.control("2.2.1")
    def test_removes_sessions_that_are_over_and_keeps_the_others(self):
        at = timezone.now()
        for key, expires in (("a" * 40, at - timedelta(hours=1)), ("b" * 40, at + timedelta(1))):
            Session.objects.create(session_key=key, session_data="", expire_date=expires)

        forget_expired()

        assert list(Session.objects.values_list("session_key", flat=True)) == ["b" * 40]
