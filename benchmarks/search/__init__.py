"""How good a search is: on tables of configurations that were all trained beforehand, so that a trial costs nothing."""
