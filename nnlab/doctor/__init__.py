"""What makes this machine slow, or its numbers not comparable: `python -m nnlab.doctor`."""
