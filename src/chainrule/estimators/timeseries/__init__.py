"""Classification and regression of time series: random convolutions, and a ridge on them."""
