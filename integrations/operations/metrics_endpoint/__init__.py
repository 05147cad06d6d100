"""The metrics page for monitoring, in Prometheus' text format."""
