"""Series that add up: the sums of a hierarchy, and forecasts that agree with them."""
