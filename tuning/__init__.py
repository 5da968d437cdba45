"""All change to the host: plan, apply, journal, roll back."""
