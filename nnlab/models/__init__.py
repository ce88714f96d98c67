"""The saved model, the code that travels with it, and what MLflow loads it by."""
