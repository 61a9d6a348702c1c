"""What happened, as arrays in the state of a training: rollouts, replays, priorities."""
