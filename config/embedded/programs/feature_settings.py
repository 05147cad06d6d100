"""What a feature knows of Antares: `config.embedded` gives it in the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from antares_client import Antares


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """:param redirect_uri: the registered address, at which the feature itself listens"""

    url: str
    client_id: str
    private_key: str
    redirect_uri: str

    def open_antares(self) -> Antares:
        # The wheel is not installed where the launcher is imported.
        from antares_client import Antares, Credentials

        return Antares(
            Credentials(client_id=self.client_id, private_key=self.private_key, base_url=self.url)
        )


def read_settings() -> FeatureSettings:
    return FeatureSettings(
        url=os.environ["ANTARES_URL"],
        client_id=os.environ["ANTARES_CLIENT_ID"],
        private_key=Path(os.environ["ANTARES_KEY_FILE"]).read_text(encoding="utf-8"),
        redirect_uri=os.environ["ANTARES_REDIRECT_URI"],
    )
