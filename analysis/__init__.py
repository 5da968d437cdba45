"""Pure meaning: samples in, models and views out. No I/O, no clock, no event loop."""
