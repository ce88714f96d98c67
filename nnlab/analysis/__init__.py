"""Questions about recorded runs."""
