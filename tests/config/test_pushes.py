"""Where providers tell us of news: nowhere, unless the settings say it whole."""

from __future__ import annotations

import pytest

from config.environment import Environment, InvalidSettings
from config.push_settings import read_push_settings
from tests.config import production

WHOLE = {
    "GOOGLE_PUBSUB_TOPIC": "projects/antares-prod/topics/gmail",
    "GOOGLE_PUSH_ACCOUNT": "push@antares-prod.iam.gserviceaccount.com",
}
OURS = "https://in.hooks.example/push"
HOSTS = ["antares.example", ".hooks.example"]


def read_settings(*, is_production=True, **given):
    env = Environment(given)
    url = "https://antares.example"
    made = read_push_settings(env, production=is_production, public_url=url, hosts=HOSTS)
    env.raise_problems()
    return made


class TestPush:
    def test_is_off_for_mailboxes_unless_it_is_said(self):
        made = read_settings()

        assert (made.pubsub_topic, made.pubsub_account) == ("", "")

    def test_goes_to_the_public_address_whose_tokens_name_it(self):
        made = read_settings(**WHOLE)

        assert made.webhook_url == "https://antares.example"
        assert made.pubsub_audience == "https://antares.example/webhooks/google/pubsub"

    def test_may_go_to_another_of_our_hosts(self):
        made = read_settings(
            **WHOLE, WEBHOOK_URL="https://in.hooks.example/", GOOGLE_PUSH_AUDIENCE=OURS
        )

        assert made.webhook_url == "https://in.hooks.example"
        assert made.pubsub_audience == OURS

    @pytest.mark.parametrize(
        "changed",
        [
            {"GOOGLE_PUBSUB_TOPIC": ""},
            {"GOOGLE_PUSH_ACCOUNT": ""},
            {"GOOGLE_PUBSUB_TOPIC": "gmail"},
            {"GOOGLE_PUBSUB_TOPIC": "projects/a/subscriptions/b"},
            {"GOOGLE_PUSH_ACCOUNT": "push"},
            {"WEBHOOK_URL": "http://antares.example"},
            {"WEBHOOK_URL": "https://elsewhere.example"},
            {"WEBHOOK_URL": "https://user@antares.example"},
            {"WEBHOOK_URL": "https://[broken"},
            {"GOOGLE_PUSH_AUDIENCE": "ours"},
            {"GOOGLE_PUSH_AUDIENCE": "http://antares.example/webhooks/google/pubsub"},
            {"GOOGLE_PUSH_AUDIENCE": "https://user@antares.example/"},
            {"GOOGLE_PUSH_AUDIENCE": "https:///webhooks/google/pubsub"},
            {"GOOGLE_PUSH_AUDIENCE": "https://[broken"},
            {"GOOGLE_PUSH_AUDIENCE": "https://antares.example\\@elsewhere.example"},
            {"GOOGLE_PUSH_AUDIENCE": "https://antares.example /push"},
            {"GOOGLE_CALENDAR_CHANNELS": "perhaps"},
        ],
    )
    def test_is_refused_in_part_or_in_plain(self, changed):
        with pytest.raises(InvalidSettings) as caught:
            read_settings(**{**WHOLE, **changed})

        assert len(caught.value.problems) == 1

    def test_may_name_another_audience_in_development(self):
        assert (
            read_settings(is_production=False, GOOGLE_PUSH_AUDIENCE="ours").pubsub_audience
            == "ours"
        )

    def test_of_calendars_needs_https_and_so_production(self):
        assert read_settings().calendar_channels is True
        assert read_settings(is_production=False).calendar_channels is False

    def test_starts_in_production(self, tmp_path):
        tmp_path.chmod(0o700)
        env = production.environment(tmp_path)

        assert production.run_manage({**env, **WHOLE}).returncode == 0
        refused = production.run_manage({**env, **WHOLE, "WEBHOOK_URL": "http://antares.example"})
        assert refused.stderr == "config: WEBHOOK_URL must be an https:// address\n"
