"""A call that may be made: who makes it, of which method, with what in its path."""

from dataclasses import dataclass

from integrations.sandbox.google.grants import Access
from integrations.sandbox.messages import Call
from integrations.sandbox.people import Person
from integrations.sandbox.schemas import Method
from integrations.sandbox.world import World


@dataclass(frozen=True)
class Admitted:
    world: World
    call: Call
    method: Method
    path: dict[str, str]
    person: Person
    access: Access
