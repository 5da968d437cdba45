"""A self-contained HTML page: no network, no script, light and dark, on screen and on paper."""
