"""Traced functions as files that other programs run.

`symbolic_shapes` finds what depends on the row count, `lower` rewrites what ONNX has no operation
for, `emitter` and `rules` say each primitive in ONNX, `model_builder` collects the model.
"""

from .onnx import OnnxBuilder, save_onnx, to_onnx

__all__ = ["OnnxBuilder", "save_onnx", "to_onnx"]
