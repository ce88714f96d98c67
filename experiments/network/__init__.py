"""System 4: Nielsen's network of sigmoid units, three published runs."""
