"""
The OAuth authorization server for service clients: authlib's, on top of `accounts`.

`/oauth/authorize` is a page, which `integrations.settings.data_use` shows.
"""
