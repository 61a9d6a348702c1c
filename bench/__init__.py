"""Side-by-side runs against the peers: same work, alternating, one process, median ratio."""
