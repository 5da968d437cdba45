"""Checks of services and ports: DNS, TCP, TLS and HTTP as a client of theirs would find them."""
