"""Hyperparameter search. A `plan` is made of a command line, a `study` proposes trials, the `coordinator` has them done
by workers (`executor`, `trial`), and `report` says what they amount to."""
