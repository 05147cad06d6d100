"""Gmail. Each handler takes an `Ask` and returns what the method answers."""

from integrations.sandbox.google.gmail.playing import play as play
