"""The truth table that 3-4-1 sigmoid units learn, and the same net on digits."""
