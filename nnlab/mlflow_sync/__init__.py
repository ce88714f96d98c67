"""The view: brings run directories into MLflow, in a process of its own."""
