"""Google Calendar. Each handler takes an `Ask` and returns what the method answers."""

from integrations.sandbox.google.calendar.playing import play as play
