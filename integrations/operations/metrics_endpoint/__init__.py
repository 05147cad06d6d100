"""Figures for whoever watches the service: one page in Prometheus' text format."""
