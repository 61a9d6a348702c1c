"""Side-by-side runs against the peers: same work, alternating, one process, median ratio."""

from .peers import prepare

prepare()  # before anything loads NumPy
