"""The detectors that are joined: nearest neighbours and networks, and how rare their scores are."""
