"""The settings of each process, from the documented blocks and the places of this machine."""

from __future__ import annotations

from pathlib import Path

from tests.production.documented import Blocks, read_environment
from tests.production.servers import Secrets, Servers
from tests.worlds.deployment import PATH


class Environments:
    """:param folder: stands for /etc/antares"""

    def __init__(self, folder: Path, blocks: Blocks, servers: Servers, known: Secrets) -> None:
        self.folder = folder
        self.blocks = blocks
        self.servers = servers
        self.known = known

    def read_shared(self) -> dict[str, str]:
        """Return what every process has."""
        servers, known = self.servers, self.known
        text = self.blocks.read(
            "The environment",
            {
                "/etc/antares/ca.pem": str(servers.private.path),
                "/etc/antares": str(self.folder),
                "/var/lib/antares": str(self.folder),
                ":…@broker.example:6379": f":{known.broker}@127.0.0.1:{servers.broker_port}",
                "https://bao.example:8200": servers.key_store_address,
                "antares:…@mail.example:465": f"antares:{known.mail}@127.0.0.1:{servers.mail.port}",
                "GOOGLE_CLIENT_SECRET=…": f"GOOGLE_CLIENT_SECRET={known.google}",
                "MICROSOFT_CLIENT_SECRET=…": f"MICROSOFT_CLIENT_SECRET={known.microsoft}",
                "http://proxy.example:3128": servers.internet.egress.url,
            },
        )
        # The public authorities of this test are its own, and trusted as a system's are.
        return {
            "PATH": PATH,
            "SSL_CERT_FILE": str(servers.internet.public.path),
            **read_environment(text),
        }

    def read_class(self, process_class: str) -> dict[str, str]:
        """Return what the processes of one class have besides."""
        text = self.blocks.read(
            "The environment",
            {
                "_WEB": f"_{process_class.upper()}",
                "web": process_class,
                ":…@": f":{self.known.login(process_class)}@",
                **self._places(),
                "/etc/antares": str(self.folder),
            },
            number=1,
        )
        return read_environment(text)

    def read_owner(self, classes: list[str], keyring_token: str) -> dict[str, str]:
        """
        Return what commands of the owner have besides.

        :param keyring_token: of the key store's operator; without one, the role of `purge`
        """
        text = self.blocks.read(
            "The environment", {":…@": f":{self.known.owner}@", **self._places()}, number=2
        )
        logins = {
            name: value
            for one in classes
            for name, value in self.read_class(one).items()
            if name.startswith("DATABASE_URL")
        }
        return {**logins, **read_environment(text), **self._keys_of_owner(keyring_token)}

    def _keys_of_owner(self, keyring_token: str) -> dict[str, str]:
        if keyring_token:
            return {"KEYRING_TOKEN": keyring_token}
        return {k: v for k, v in self.read_class("purge").items() if k.startswith("KEYRING")}

    def _places(self) -> dict[str, str]:
        return {
            "db.example:5432": f"127.0.0.1:{self.servers.database.port}",
            "/etc/antares/ca.pem": str(self.servers.private.path),
        }
