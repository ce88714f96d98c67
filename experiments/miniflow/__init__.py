"""A differentiable graph learns digits, through a preset and in a loop written out."""
