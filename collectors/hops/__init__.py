"""Continuous traceroute: every TTL of many paths at a bounded rate, constant flows, kernel stamps."""
