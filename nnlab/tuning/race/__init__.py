"""Racing over seeds: which trial gets a further one, its runs in the storage, and what they say of the trial."""
