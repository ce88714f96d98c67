"""System 2: a network that keeps its examples in columns."""
