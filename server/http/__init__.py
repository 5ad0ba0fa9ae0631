"""Tornado handlers."""
