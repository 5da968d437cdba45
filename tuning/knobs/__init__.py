"""What can be changed on a host: one file for each kind of setting."""
