"""Is A better than B: runs in groups, their means over seeds, and what can be said of the differences."""
