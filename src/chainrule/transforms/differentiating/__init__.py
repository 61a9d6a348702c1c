"""Gradients, Jacobians, Hessians, and what checks them."""
