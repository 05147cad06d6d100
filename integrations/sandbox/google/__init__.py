"""Google's protocols, as `world` remembers them."""
