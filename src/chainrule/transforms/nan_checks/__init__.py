"""Where nans arise."""
