"""Google Calendar. Each handler takes a `CalendarRequest` and returns the answer of its method."""
