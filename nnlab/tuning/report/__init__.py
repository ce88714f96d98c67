"""What a study's trials amount to: their ranking, as a table, as a file and as pictures."""
