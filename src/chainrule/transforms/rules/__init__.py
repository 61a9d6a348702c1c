"""Functions whose derivatives are stated by their users, or by equations that they solve."""
