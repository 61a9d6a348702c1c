"""Classifiers of raw inputs: images, recordings, texts."""
