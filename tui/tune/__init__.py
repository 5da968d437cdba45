"""`longpipe tune`: advice on the command line, and trying it out."""
