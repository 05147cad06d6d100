"""What passes through the broker: a queue is empty most of the time, and tells nothing."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from tests.canaries import stores


@dataclass
class Traffic:
    """Every command that any client gave to the broker, with all of its arguments."""

    _commands: list[bytes] = field(default_factory=list)
    _ended: list[BaseException] = field(default_factory=list)

    @property
    def commands(self) -> list[bytes]:
        """:raises RuntimeError: if listening came to an end"""
        if self._ended:
            raise RuntimeError("nobody listens to the broker any more") from self._ended[0]
        return list(self._commands)

    def listen(self, connection: redis.Connection) -> None:
        try:
            while True:
                line = connection.read_response(disable_decoding=True)
                self._commands.append(codecs.escape_decode(line)[0])
        except (redis.RedisError, OSError, ValueError, AttributeError) as error:
            self._ended.append(error)


@contextmanager
def recorded(broker_url: str) -> Iterator[Traffic]:
    traffic = Traffic()
    with stores.client(broker_url) as server:
        # Hours may pass between two commands.
        server.connection_pool.connection_kwargs["socket_timeout"] = None
        connection = server.connection_pool.get_connection()
        connection.send_command("MONITOR")
        connection.read_response()
        threading.Thread(target=traffic.listen, args=(connection,), daemon=True).start()
        yield traffic
        connection.disconnect()
