"""What users give, checked: features, rows, targets, labels as codes, weights of samples."""
