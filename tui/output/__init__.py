"""What goes to the terminal: only changed cells, never more than it can take, and a clean leave when it is gone."""
