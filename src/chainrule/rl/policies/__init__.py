"""Networks that act, and distributions of actions."""
