"""What a tracer must know of `y[mask]` under `jit`: that its operators leave it to `Selection`."""

from __future__ import annotations

from ..errors import AbstractValueError, at_user_line


class Selected:
    """Base class of `selection.Selection`, for files that it imports."""

    __slots__ = ()

    def refusal(self, request: str) -> AbstractValueError:
        """Return the error for what needs the number of entries."""
        return AbstractValueError(
            at_user_line(
                f"{request} of y[mask]: how many entries a traced mask selects is not known under "
                "jit, nor in the body of a loop or branch. There y[mask] takes elementwise "
                "functions, also beside z[mask], is reduced (sum, mean, prod, min, max, any, all, "
                "np.count_nonzero), and is written back by x[mask] = ...; for anything else use "
                "np.where(mask, y, other)"
            )
        )
