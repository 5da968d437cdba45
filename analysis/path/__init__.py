"""What hop probes mean: hops, epochs, where loss starts, flows and their members, carrier lines."""
