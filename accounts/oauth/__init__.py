"""`POST /oauth/token`: authlib's authorization server over our operations."""
