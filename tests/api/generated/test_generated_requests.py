"""
No request that the OpenAPI document lets schemathesis make has an answer that it does not describe.

`make test` sends some of them, the same in every run; `make test-all` sends all, and random ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.config import GenerationConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoverageScenario

from tests.api.generated import callers
from tests.api.generated.aiming import mix_generated_with_good, take_untested_parts
from tests.api.generated.operations import OPERATIONS, list_failures

pytestmark = pytest.mark.django_db

SEED = 13
#: Requests to one operation in `make test`, and random ones in `make test-all`.
FEW, MANY = 12, 40


def make_systematic_cases(described, operation) -> Iterator[Case]:
    """Yield requests with each parameter and member at each of its limits, and beyond them."""
    for mode in GenerationMode:
        cases = described.iter_coverage_cases(
            operation, generation_modes=[mode], generation_config=GenerationConfig(modes=[mode])
        )
        yield from (
            case for case in cases if not has_extra_header(case) and not is_about_cookie(case)
        )


def has_extra_header(case: Case) -> bool:
    """Return whether the case counts as wrong for a header that any client may add."""
    phase = case.meta.phase.data
    is_about_names = phase.scenario in (
        CoverageScenario.OBJECT_UNEXPECTED_PROPERTIES,
        CoverageScenario.OBJECT_ONLY_REQUIRED,
    )
    return phase.parameter_location == ParameterLocation.HEADER and is_about_names


def is_about_cookie(case: Case) -> bool:
    """Return whether the case counts as wrong for its session, which every request gets."""
    return case.meta.phase.data.parameter_location == ParameterLocation.COOKIE


@pytest.fixture
def asker(described, operation_id, person, own):
    """Return the caller whom the operation is for."""
    case = described.find_operation_by_id(operation_id).Case()
    return callers.choose_caller(case, person=person, own=own)


@pytest.mark.parametrize("operation_id", OPERATIONS)
class TestGeneratedRequests:
    def test_some_are_answered_as_described(self, described, local, asker, operation_id):
        operation = described.find_operation_by_id(operation_id)
        cases = list(make_systematic_cases(described, operation))
        chosen = random.Random(SEED).sample(  # noqa: S311 - the same in every run
            cases, min(FEW, len(cases))
        )

        assert (
            send_all((take_untested_parts(case, local[operation_id]) for case in chosen), asker)
            == []
        )

    @pytest.mark.thorough("requests generated from the OpenAPI document")
    @pytest.mark.parametrize("target", ["known", "local"])
    def test_all_are_answered_as_described(self, described, request, asker, operation_id, target):
        requests = request.getfixturevalue(target)
        operation = described.find_operation_by_id(operation_id)
        cases = make_systematic_cases(described, operation)

        assert (
            send_all((take_untested_parts(case, requests[operation_id]) for case in cases), asker)
            == []
        )

    @pytest.mark.thorough("requests generated from the OpenAPI document")
    def test_random_ones_are_answered_as_described(self, described, local, asker, operation_id):
        target = local[operation_id]
        operation = described.find_operation_by_id(operation_id)
        fixed = {"path_parameters": target.path, "headers": target.headers}
        positive = operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **fixed)
        negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, **fixed)
        has_values = operation.query or isinstance(target.body, dict)

        @seed(SEED)
        @settings(
            max_examples=MANY,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(valid=positive, wrong=negative if has_values else st.none(), data=st.data())
        def send(valid, wrong, data):
            cases = [mix_generated_with_good(valid, target, data), wrong] if has_values else [valid]
            assert send_all(cases, asker) == []

        send()


def send_all(cases, caller) -> list[str]:
    return [
        failure
        for case in cases
        for failure in list_failures(case, callers.send_case(case, caller))
    ]
