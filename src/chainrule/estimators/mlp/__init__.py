"""Multilayer perceptrons with scikit-learn's interface: settings, steps, epochs, answers."""
