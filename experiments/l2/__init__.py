"""What L2 buys."""
