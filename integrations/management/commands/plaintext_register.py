"""Write the register of functions that may hold plaintext anew, and print their share."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from integrations.registers import plaintext


class Command(BaseCommand):
    help = "Write the register of functions that may hold plaintext, and print their share of code."

    def handle(self, **_: object) -> None:
        register = plaintext.write()
        self.stdout.write("  held, led on (at most)")
        for what, held, leading_on in register.shares():
            self.stdout.write(f"{held:6.1%} {leading_on:6.1%}  {what}")
        met = "met" if plaintext.is_goal_met(register.shares()) else "missed"
        self.stdout.write(f"{plaintext.GOAL:6.1%}  is the goal for the first of these, and {met}")
