"""Study: how weights begin against how deep the net is."""
