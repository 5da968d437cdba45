"""Services: what is checked, how checks become up and down, and what answers say of each other."""
