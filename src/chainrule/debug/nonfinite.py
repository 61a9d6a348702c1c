"""`nans`: an error at the operation that made a nan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..config import configured


@contextmanager
def nans(infs: bool = False) -> Iterator[None]:
    """Raise an error where a nan arises that reaches a result, and say in which line.

    A context manager, and a decorator. While it lasts, the results of all transformations are
    looked at: values and derivatives, with `jit` and without, those of loops, of `vmap`, and of the
    steps of a training. If there is a nan, the search goes back from it to the operation that made
    it. The environment variable ``CHAINRULE_NANS=1`` (2 for infinities, too) does the same for a
    whole process.

    Parameters
    ----------
    infs : bool
        Whether infinities count, too: many nans are ``inf - inf`` or ``0 * inf``. Default False.

    Raises
    ------
    NonFiniteError
        A `FloatingPointError`, as of `numpy.errstate`. It names the operation, the user's line,
        whether it is the line's derivative that made the nan, in which iteration of a loop, and
        what the operation read. If the nan came in with an argument, or with an array that the
        function reads, it says so.

    Notes
    -----
    A nan counts if it reaches a result: ``np.where(x > 0, np.log(x), 0.0)`` is no error. Of several
    operations that made nans the first one is named. Compiled code runs as always, without its
    fastest way of being called, and only if there is a nan in its result NumPy computes the
    function once more, operation by operation. A function that branches on values is traced in each
    call. As ``jax_debug_nans`` of JAX, which also looks at what is masked away later.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import grad
    >>> with nans():
    ...     grad(lambda x: np.sqrt(x) * 0.0)(0.0)
    Traceback (most recent call last):
        ...
    chainrule.errors.NonFiniteError: <doctest ...>:2: nan in the derivative of sqrt, by mul
        ...
    """
    with configured(nans=2 if infs else 1, lines=1):
        yield
