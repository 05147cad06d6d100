"""The table of problems: which problem an exception is."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions

from integrations.calendar import local_calendars, sharing
from integrations.providers import errors
from integrations.urls import error_table
from integrations.web import problem_catalogue
from integrations.web.problem_catalogue import EXPLAINED, ProblemType
from limited_use.agreements.consents import ConsentMissing, DeclarationOutdated

CONSTANTS = {
    name: value for name, value in vars(problem_catalogue).items() if isinstance(value, ProblemType)
}
#: Problems of requests that no exception of the table stands for.
WITHOUT_EXCEPTION = {
    "limited-use-refused", "second-factor-needed", "too-large", "too-slow", "unexpected",
}  # fmt: skip


class TestFindProblem:
    @pytest.mark.parametrize(
        ("error", "problem"),
        [
            (errors.RateLimited("later"), problem_catalogue.PROVIDER_RATE_LIMITED),
            (OperationalError(), problem_catalogue.BUSY),
            (DeclarationOutdated("calendar"), problem_catalogue.AGREEMENT_OUTDATED),
        ],
    )
    def test_returns_the_problem_of_the_nearest_class(self, error, problem):
        assert error_table.find_problem(error) is problem

    @pytest.mark.parametrize(
        ("subject", "title"),
        [
            ("mail", "You have not agreed to this use of your data."),
            (sharing.FEATURE, "You have not agreed to calendar sharing."),
            (local_calendars.FEATURE, "You have not agreed to Antares calendars."),
        ],
    )
    def test_names_what_was_not_agreed_to(self, subject, title):
        assert error_table.find_problem(ConsentMissing(subject)).title == title

    @pytest.mark.parametrize("error", [ValueError(), Http404(), exceptions.NotFound()])
    def test_returns_none_for_bugs_and_for_exceptions_of_the_framework(self, error):
        assert error_table.find_problem(error) is None


class TestFindFrameworkProblem:
    def test_returns_the_problem_of_an_exception_of_django(self):
        assert error_table.find_framework_problem(Http404()) is problem_catalogue.NOT_FOUND

    def test_returns_none_for_an_exception_of_ours(self):
        assert error_table.find_framework_problem(ConsentMissing("mail")) is None


class TestCatalogue:
    def test_explains_every_code(self):
        assert {problem.code for problem in CONSTANTS.values()} == set(EXPLAINED)

    def test_has_no_problem_without_an_exception(self):
        found = {
            *error_table.PROBLEMS.values(),
            *error_table.FRAMEWORK_PROBLEMS.values(),
            *error_table._NOT_AGREED.values(),
        }

        unused = {name for name, problem in CONSTANTS.items() if problem not in found}

        assert {CONSTANTS[name].code for name in unused} == WITHOUT_EXCEPTION
