"""What a study may try, and how it chooses: the space in Hydra's sweep grammar, samplers, pruners, their settings."""
