"""Hyperparameter search. A command line becomes a `plan`, a `study` proposes trials, the `coordinator` has workers run
by workers (`executor`, `trial`), and `report` says what they amount to."""
