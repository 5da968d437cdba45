"""Session files: what longpipe saw, written as it happens, read back by one decoder everywhere."""
