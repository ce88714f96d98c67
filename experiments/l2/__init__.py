"""What L2 brings."""
