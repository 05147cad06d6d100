"""
Tokens of a platform feature: how many the web server issues a second, for 1, 16 and 64 callers.

Each request has an assertion of its own (`private_key_jwt`, RFC 7523), signed before the clock.
The baseline is a request with a token that is answered nothing, at the same server. Each caller
asks for another person, and from a network of its own; once more all ask from one, as a feature's
one server does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import KeySet

from accounts.client_keys import ALGORITHMS
from accounts.models import ServiceToken, UsedAssertion
from accounts.oauth.registered_client import CLIENT_CREDENTIALS, build_scope
from config.client.antares_client.credentials import ASSERTION_TYPE
from config.embedded.embedded_service import RunningService
from tests.bench import feature_people, figures, load_answers, measure, sizes
from tests.bench.feature_people import PURPOSES, FeatureClient, FeaturePerson
from tests.bench.figures import Figure
from tests.bench.load_answers import Answers, LoadCaller, Question

ROUNDS = sizes.choose_size(2, tiny=1)
# Far more than the server issues in a second.
_MOST_PER_SECOND = 600
# Callers of the less busy web process ask more than their share.
_UNEVENNESS = 3
_LIFETIME = 240  # seconds
_LOOPS = sizes.choose_size(500, tiny=20)

TOKEN = Question("tokens", lambda _: "/oauth/token", '"access_token":', 1)
NOTHING = Question("nothing", lambda _: "/bench/feature/me/nothing", '"request_id":', 1)


@dataclass(frozen=True)
class Load:
    """A number of callers, each for another person, and whether each has its own network."""

    people: Sequence[FeaturePerson]
    own_networks: bool
    seconds: int


def measure_tokens(
    service: RunningService,
    client: FeatureClient,
    people: Sequence[FeaturePerson],
    *,
    callers: Sequence[int],
    seconds: int,
) -> list[Figure]:
    """:param client: of the same feature, for the baseline's tokens"""
    feature = client.row.feature
    found = []
    for algorithm in ALGORITHMS:
        asking = client
        if algorithm != client.algorithm:
            asking = feature_people.make_client(feature, algorithm)
        for count in callers:
            found += _measure(service, asking, Load(people[:count], True, seconds))
        found += _measure(service, asking, Load(people[: max(callers)], False, seconds))
        found.append(_measure_signature(service, asking))
    return found


def _measure(service: RunningService, client: FeatureClient, load: Load) -> list[Figure]:
    people = load.people
    callers = feature_people.make_callers(client, people)
    anyone = [LoadCaller({}) for _ in people]
    issued, nothing = Answers(), Answers()
    before = ServiceToken.objects.count(), UsedAssertion.objects.count()
    for turn in range(ROUNDS):
        asks = [
            lambda: load_answers.ask_for_seconds(
                service,
                TOKEN,
                anyone,
                issued,
                seconds=load.seconds,
                forms=_sign_forms(service, client, load),
                own_networks=load.own_networks,
            ),
            lambda: load_answers.ask_for_seconds(
                service, NOTHING, callers, nothing, seconds=load.seconds
            ),
        ]
        for ask in asks[:: -1 if turn % 2 else 1]:
            ask()
    requests = len(issued.waits) + ROUNDS * load_answers.WARM_UP * len(people)
    after = ServiceToken.objects.count(), UsedAssertion.objects.count()
    if any(new - old != requests for old, new in zip(before, after, strict=True)):
        raise AssertionError(f"{before} tokens and assertions, then {after}; {requests} requests")
    return _build_figures(client, issued, nothing, load)


def _sign_forms(service: RunningService, client: FeatureClient, load: Load) -> list[list[str]]:
    """Return the forms of each caller, enough for one round."""
    most = _MOST_PER_SECOND * load.seconds
    share = min(most, math.ceil(_UNEVENNESS * most / len(load.people)))
    return [
        [_sign_form(service, client, person) for _ in range(share + load_answers.WARM_UP)]
        for person in load.people
    ]


def _sign_form(service: RunningService, client: FeatureClient, person: FeaturePerson) -> str:
    feature = client.row.feature
    return urlencode(
        {
            "grant_type": CLIENT_CREDENTIALS,
            "scope": build_scope(PURPOSES[feature]),
            "delegation": str(person.delegations[feature]),
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": _sign_assertion(service, client),
        }
    )


def _sign_assertion(service: RunningService, client: FeatureClient) -> str:
    now = int(time.time())
    claims = {
        "iss": client.row.client_id,
        "sub": client.row.client_id,
        "aud": f"{service.url}/oauth/token",
        "iat": now,
        "exp": now + _LIFETIME,
        "jti": token_urlsafe(16),
    }
    header = {"alg": client.algorithm, "kid": client.key.kid}
    return jwt.encode(header, claims, client.key, algorithms=[client.algorithm])


def _build_figures(
    client: FeatureClient, issued: Answers, nothing: Answers, load: Load
) -> list[Figure]:
    count = len(load.people)
    name = f"tokens, {client.algorithm}, {count} caller{'s' if count > 1 else ''}"
    rate = figures.make_times_figure(
        name if load.own_networks else f"{name} of one network",
        issued.rate,
        "tokens/s",
        baseline=nothing.rate,
        against="requests with a token that are answered nothing, at the same server",
        more_is_better=True,
        note=f"{len(issued.waits):,} requests;"
        f" processor time of each: {issued.describe_spent()};"
        f" of the baseline's: {nothing.describe_spent()}",
    )
    return [rate, *load_answers.build_wait_figures(issued, nothing)]


def _measure_signature(service: RunningService, client: FeatureClient) -> Figure:
    assertion = _sign_assertion(service, client)
    key_set = {"keys": [client.key.as_dict(private=False)]}

    def verify(text: str) -> None:
        jwt.decode(text, KeySet.import_key_set(key_set), ALGORITHMS)

    took = measure.looped(verify, [assertion], loops=_LOOPS)
    keys = measure.looped(KeySet.import_key_set, [key_set], loops=_LOOPS)
    return figures.plain(
        f"… joserfc alone, {client.algorithm}",
        1000 * took,
        "ms",
        note=f"processor time to verify an assertion, {1000 * keys:.3f} ms of it to read the key",
    )
