"""One epoch of training beside its peers: the same rows, arithmetic and regularizer, each in a process of its own."""
