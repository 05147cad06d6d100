"""`POST /oauth/token`: authlib's authorization server on top of `accounts`."""
