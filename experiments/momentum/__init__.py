"""What momentum buys."""
