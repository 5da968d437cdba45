"""Capturing RoCE headers: a kernel filter, a ring, and a helper process that alone holds the privilege."""
