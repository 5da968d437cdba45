"""Our own prober: few sockets, kernel stamps, one timer; thousands of series without a thread or task for each."""
