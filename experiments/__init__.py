"""Published systems rebuilt and questions answered with nnlab: `python -m experiments`."""
