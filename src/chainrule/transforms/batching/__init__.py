"""A function of one example, for a batch of them."""
