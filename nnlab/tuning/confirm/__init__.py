"""The best trials of a study again, with fresh seeds: what is run, how, and what it says."""
