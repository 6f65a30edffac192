"""What the authors said: signals, sites, works, verdicts."""
