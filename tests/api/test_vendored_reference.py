"""The script that shows the API reference is the published one, but for two changes."""

from __future__ import annotations

import hashlib

from django.conf import settings

FOLDER = settings.BASE_DIR / "accounts/static/redoc"
#: Of Redoc 2.5.2, as npm has it: `npm pack redoc@2.5.2`, folder `bundles`.
PUBLISHED = "6beb5aea23b71d09122ee35de8f326e38aec050e774f3bfba1f34e5c36608986"
LICENCES = {
    "LICENSE": "d3026d549cf68ab7355bcfa85877bf8f845b3334a7efbfdc63936432fb34ff0e",
    "redoc.standalone.js.LICENSE.txt": (
        "1b70eb03ecfbd42cfde075b6d3dbd65a5032530ddaa96d872324e15d6793eca2"
    ),
}
#: Its logo would be loaded from another host.
LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
EMPTY_IMAGE = b"data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
#: The source map is three times as large as the script.
MAP = b"\n//# sourceMappingURL=redoc.standalone.js.map"


class TestRedoc:
    def test_is_unchanged_but_for_its_logo_and_its_map(self):
        script = (FOLDER / "redoc.standalone.js").read_bytes()
        published = script.removesuffix(b"\n").replace(EMPTY_IMAGE, LOGO) + MAP

        assert script.count(EMPTY_IMAGE) == 1
        assert hashlib.sha256(published).hexdigest() == PUBLISHED

    def test_has_its_licences_beside_it(self):
        assert {path.name for path in FOLDER.iterdir()} == {"redoc.standalone.js", *LICENCES}
        for name, digest in LICENCES.items():
            assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
        assert "MIT License" in (FOLDER / "LICENSE").read_text()
