"""Graph v1.0: mail, calendars, subscriptions."""
