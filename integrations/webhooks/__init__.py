"""What providers call: proven, noted, and answered at once. No session, no page, no content."""
