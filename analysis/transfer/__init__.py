"""Bandwidth tests: what was counted, and what it means."""
