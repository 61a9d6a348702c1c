"""What a score means: p-values, thresholds, tails, and a threshold that learns online."""
