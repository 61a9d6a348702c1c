"""Time series: forecasts, windows, and how a fitted detector judges them."""
