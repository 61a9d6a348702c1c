"""Rules for `scipy.spatial`: distances, rotations, neighbours."""

from . import distance, metrics, neighbours, quaternions, rotation

__all__ = ["distance", "metrics", "neighbours", "quaternions", "rotation"]
