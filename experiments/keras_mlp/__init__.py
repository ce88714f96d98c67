"""System 1: a network with the Keras way of using it."""
