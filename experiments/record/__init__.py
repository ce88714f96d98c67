"""The winner of a sweep against a published record of the plain two-layer network."""
