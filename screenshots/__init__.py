"""Pictures of the program for its documentation, made from a recorded session: `make screenshots`."""
