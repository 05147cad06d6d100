"""The form that allows one item, as the answer to a question of support."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.actors import get_actor
from integrations.access.request_context import ObjectNotFound
from integrations.support import question_answers
from integrations.support.questions import QuestionClosed
from integrations.web import support_access_form
from integrations.web.support_access_form import SupportAccessTexts

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

QUESTION_ROUTE: Final = "settings-support-question"


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """
    How a question is answered with one kind of item.

    :param route_name: of the page that shows the chosen item and its form
    :param gone: says that the item no longer exists
    """

    route_name: str
    texts: SupportAccessTexts
    gone: StrOrPromise


def allow_item(
    request: HttpRequest, question_id: UUID, item: UUID, answer: ItemAnswer
) -> HttpResponse:
    """Open the item as the form says; without a valid form, show it again."""
    allow = partial(
        question_answers.allow_item,
        question_id=question_id,
        item=item,
        actor=get_actor(request),
        at=timezone.now(),
    )
    try:
        if not support_access_form.open_from_form(request, allow, answer.texts):
            return redirect(answer.route_name, question_id, item)
    except ObjectNotFound:
        return show_gone(request, question_id, answer)
    except QuestionClosed:
        flash_messages.info(request, messages.CLOSED)
    return redirect(QUESTION_ROUTE, question_id)


def show_gone(request: HttpRequest, question_id: UUID, answer: ItemAnswer) -> HttpResponse:
    flash_messages.info(request, answer.gone)
    return redirect(QUESTION_ROUTE, question_id)
