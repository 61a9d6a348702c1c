"""Models behind HTTP on this machine alone: requests, their limits and batches, pages."""
