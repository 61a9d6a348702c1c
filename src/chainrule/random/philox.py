"""Philox4x32-10: four random words for each 128-bit counter and 64-bit key.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: "Parallel random numbers: as easy as 1, 2, 3",
SC 2011, doi:10.1145/2063384.2063405. It passes TestU01's BigCrush, and needs no state: number
one million is computed without the ones before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDS = 10
# Salmon et al., table 2: multipliers of the words 0 and 2, and the Weyl increments of the key
_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_INCREMENTS = np.array([0x9E3779B9, 0xBB67AE85], np.uint32)


def philox(key: Any, even: Any, odd: Any) -> tuple[Any, Any]:
    """Ten rounds on n counters at once, by plain NumPy, hence on tracers too.

    Parameters
    ----------
    key : uint32[2, 1, ...]
        Its two words come first, so that its further axes, of many keys, are the inner ones.
    even, odd : uint32[2, n, ...]
        Words 0 and 2, and words 1 and 3, of the counters, broadcast against the key.

    Returns
    -------
    even, odd : uint32[2, n, ...]
        The same words of the results.
    """
    round_key, inner = key, (1,) * (key.ndim - 2)
    multipliers, increments = (words.reshape(2, 1, *inner) for words in (_MULTIPLIERS, _INCREMENTS))
    for round_number in range(ROUNDS):
        if round_number:
            round_key = round_key + increments  # modulo 2**32
        product = even.astype(np.uint64) * multipliers
        high = (product >> np.uint64(32)).astype(np.uint32)
        low = product.astype(np.uint32)  # modulo 2**32
        even, odd = high[::-1] ^ odd ^ round_key, low[::-1]
    return even, odd


def counter_words(key: Any, even: Any, odd: Any) -> Any:
    """The results of `philox` as uint32[n, 4, ...]: one counter's words 0, 1, 2, 3 a row.

    The key is uint32[..., 2]; its further axes are the last of the result, in reverse order.
    """
    words = key.T
    even, odd = philox(words.reshape(2, 1, *words.shape[1:]), even, odd)
    return np.stack([even[0], odd[0], even[1], odd[1]], axis=1)
