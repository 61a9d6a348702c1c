"""Forecasters in files: all that was learned as a description and arrays, and one step as ONNX."""
