"""The results of a study's trials: their ranking, as a table, a file and pictures."""
