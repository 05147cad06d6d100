"""The tus client that the page of files loads is the published one."""

from __future__ import annotations

import hashlib

import pytest
from django.conf import settings

FOLDER = settings.BASE_DIR / "accounts/static/tus-js-client"
#: Of tus-js-client 4.3.1, as npm has it: `npm pack tus-js-client@4.3.1`, folder `dist`.
DIGESTS = {
    "LICENSE": "2ec372e137fa65938a6551e9abaa3d3ea21f5ebd398fca00a13354ea881e6539",
    "tus.min.js": "8cbb1b63fccc3bba0ae73ad1deb160ce046c3750851d0c3e94921ae3ef070eb8",
    "tus.min.js.map": "4653a3a430959c4ea0500efb95ed48d4b825efe47654cf22b8c64d35eb2ac81b",
}


class TestTusClient:
    @pytest.mark.parametrize("name", DIGESTS)
    def test_is_unchanged(self, name):
        digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()

        assert digest == DIGESTS[name]

    def test_has_its_licence_beside_it(self):
        assert {path.name for path in FOLDER.iterdir()} == set(DIGESTS)
        assert "MIT License" in (FOLDER / "LICENSE").read_text()
