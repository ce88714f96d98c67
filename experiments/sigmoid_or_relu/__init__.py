"""Sigmoid units with a squared error, step by step to ReLU and softmax."""
