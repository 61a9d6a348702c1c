"""Layer 11: traced functions as files that other programs run.

`observe` finds what depends on the row count, `lower` writes anew what ONNX has no operation for,
`emit` says each primitive in ONNX, `parts` holds the model while it grows.
"""

from .onnx import OnnxBuilder, save_onnx, to_onnx

__all__ = ["OnnxBuilder", "save_onnx", "to_onnx"]
