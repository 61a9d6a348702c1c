"""What forecasts: ridges over lags, networks, naive rules, and the committee of them."""
