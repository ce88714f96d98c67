"""Runs in their directories, which are the truth about them: recording them, and reading them back."""
