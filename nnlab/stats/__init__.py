"""Statistics over seeds: means with their intervals, differences, and what can be said of them."""
