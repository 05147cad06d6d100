from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """303: the browser continues with GET."""

    status_code = HTTPStatus.SEE_OTHER
