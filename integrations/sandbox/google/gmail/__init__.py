"""Gmail. Each handler takes a `GmailRequest` and returns the answer of its method."""
