"""Fitted models as files: what is written, what is checked at reading, ONNX."""
