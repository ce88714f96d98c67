"""A file a command, and what each shows on a terminal."""
