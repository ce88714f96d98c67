"""The contestants. Each module has a `make(point, x, labels, threads)` that gives a `Contestant`."""
