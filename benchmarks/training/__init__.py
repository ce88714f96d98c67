"""One epoch of training, against peers: the same rows, arithmetic and regularizer, each in a process of its own."""
