"""One test, one page: what was seen over a span of time, as data, text, Markdown or HTML."""
