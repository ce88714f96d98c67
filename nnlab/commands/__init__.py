"""One file per command, and what each shows on a terminal."""
