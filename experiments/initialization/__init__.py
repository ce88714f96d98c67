"""How weights are initialized, against how deep the net is."""
