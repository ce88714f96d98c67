"""Width and depth against accuracy and cost."""
