"""Brings run directories, which hold the truth, into MLflow, which shows it; in a process of its own."""
