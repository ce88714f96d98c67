"""nnlab: an experiment-tracking research harness around a from-scratch NumPy training core."""

__version__ = "0.1.0"
