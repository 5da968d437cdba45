"""The configuration: found in files, environment and options, checked strictly, with the origin of every value."""
