"""What momentum brings."""
