"""What a pruner stops, saves and costs: studies of real learning curves are replayed with each."""
