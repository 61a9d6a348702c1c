"""Rules for `scipy.spatial`: distances, rotations, neighbours."""

from . import distance, metrics, quaternions, rotation

__all__ = ["distance", "metrics", "quaternions", "rotation"]
