"""All observation of the host and its paths, live, recorded or replayed."""
