"""A two-ended bandwidth test: one TCP port for words and flows, one UDP port of the same number."""
