"""The page of notices, the choice of channels, and the link that stops mails."""
