"""The logarithm of the gamma function and its derivative, for positive arguments.

Where the argument is not positive, SciPy's loop computes the vector: that is rare.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from .....primitives.declare import Ufunc
from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from ..ufunc_calls import call_loop
from ..ufunc_loops import loop_for
from .logarithm import log
from .polynomial import any_lane, estrin

# log gamma(x) / ((x - 1) (x - 2)) by x - 3/2, on 1 <= x <= 2
_LOG_GAMMA = (0.4831289505409809, -0.14595989591430608, 0.06291140107456439, -0.031308487501010646,
              0.01679709863127416, -0.009425622448525798, 0.005446457839126061,
              -0.003212074073715293, 0.0019229163127906042, -0.0011644145847307427,
              0.0007115190675138831, -0.0004379930747997874, 0.0002713137386282003,
              -0.00016891782152159138, 0.00010535512475560823, -6.614136038852367e-05,
              4.302768179426691e-05, -2.720167248543935e-05, 1.3186018483704568e-05,
              -8.355076857854201e-06, 1.2140008581773488e-05, -7.760659378464297e-06)  # fmt: skip
# x (log gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) by 1 / x**2, on x >= 8
_STIRLING = (0.0833333333333333, -0.0027777777776060446, 0.000793650664877517,
             -0.0005952025847742346, 0.0008372827864695204, -0.0016525849983934733)  # fmt: skip
_HALF_LOG_TWO_PI = 0.9189385332046728
# digamma(x) / (x - root) by x - 3/2, on 1 <= x <= 2
_DIGAMMA = (0.9510558760318328, -0.42362742128146047, 0.24054248424078736, -0.14840492305391761,
            0.09498872445283, -0.06192213327165706, 0.04076083394462657, -0.02697579684427536,
            0.017907248195969127, -0.011908215172584002, 0.007927024067961237,
            -0.00528001782089874, 0.0035180800751066694, -0.002344650082351321,
            0.0015635679757533885, -0.001042261556504223, 0.0006899717801166841,
            -0.0004599625144612576, 0.0003268068044141764, -0.0002178682145501451,
            9.173383289174792e-05, -6.11554261750751e-05, 0.00012230983055406747,
            -8.153978973309418e-05)  # fmt: skip
_ROOT = (1.4616317749023438, 3.7006601859126265e-07)  # in two parts
# x**2 (log x - 1 / 2x - digamma(x)) by 1 / x**2, on x >= 8
_FAR_DIGAMMA = (0.08333333333333333, -0.008333333333278545, 0.003968253911907783,
                -0.004166644813006459, 0.0075716885518819456, -0.020697932789646125,
                0.06362043296372914)  # fmt: skip
_FAR = 8.0


def gammaln(f: FunctionBuilder, x: Value) -> Value:
    """Compute log |gamma(x)|: a polynomial of x moved to [1, 2), or Stirling's series."""
    return _positive_or_loop(f, x, "gammaln", _log_gamma)


def digamma(f: FunctionBuilder, x: Value) -> Value:
    """Compute the derivative of log gamma(x): a polynomial below 3, else a series."""
    return _positive_or_loop(f, x, "psi", _digamma)


def _positive_or_loop(
    f: FunctionBuilder, x: Value, name: str, positive: Callable[[FunctionBuilder, Value], Value]
) -> Value:
    if x.dtype.itemsize == 4:
        wide = _positive_or_loop(f, f.convert(x, F64), name, positive)
        return f.convert(wide, x.dtype)
    loop = loop_for(Ufunc("scipy.special", name), (F64,))
    assert loop is not None, name
    usual = positive(f, x)
    rare = x <= 0.0
    before = f.block
    slow, after = f.fresh("rare"), f.fresh("usual")
    f.branch(any_lane(f, rare), slow, after)
    f.label(slow)
    result = f.select(rare, call_loop(f, loop, [x]), usual)
    last = f.block
    f.jump(after)
    f.label(after)
    right = f"phi {x.type} [{usual.name}, %{before}], [{result.name}, %{last}]"
    return f.value(right, x.dtype, x.lanes)


def _log_gamma(f: FunctionBuilder, x: Value) -> Value:
    small, far = x < 1.0, x >= _FAR
    y, product = x, x.like(1.0)
    for _ in range(int(_FAR) - 2):  # gamma(y + 1) = y gamma(y)
        above = y >= 2.0
        y = f.select(above, y - 1.0, y)
        product = f.select(above, product * y, product)
    first = f.select(small, x, y - 1.0)  # y - 1, of x + 1 if x is below 1: nothing is rounded
    near = first * (first - 1.0) * estrin(f, first - 0.5, _LOG_GAMMA)
    size = log(f, f.select(far | small, x, product))
    near = near + f.select(small, -size, size)
    inverse = 1.0 / x
    series = estrin(f, inverse * inverse, _STIRLING) * inverse
    stirling = f.fma(x - 0.5, size, -x) + (series + _HALF_LOG_TWO_PI)
    stirling = f.select(x.equals(inf), inf, stirling)
    return f.select(x.is_nan(), x, f.select(far, stirling, near))


def _digamma(f: FunctionBuilder, x: Value) -> Value:
    small, middle, far = x < 1.0, x < 3.0, x >= _FAR
    y = f.select(small, x + 1.0, f.select(x >= 2.0, x - 1.0, x))
    distance = (y - _ROOT[0]) - _ROOT[1]
    near = distance * estrin(f, f.select(small, x - 0.5, y - 1.5), _DIGAMMA)
    step = f.select(small, -1.0 / x, f.select(x >= 2.0, 1.0 / y, 0.0))  # of the recurrence
    top, bottom = x.like(1.0), x
    for k in range(1, int(_FAR) - 3):  # 1 / x + 1 / (x + 1) + ... as one quotient
        top, bottom = f.fma(top, x + float(k), bottom), bottom * (x + float(k))
    shifted = f.select(far, x, x + (_FAR - 3.0))
    inverse = 1.0 / shifted
    series = inverse * f.fma(inverse, estrin(f, inverse * inverse, _FAR_DIGAMMA), 0.5)
    rest = log(f, shifted) - (series + f.select(far, 0.0, top / bottom))
    return f.select(x.is_nan(), x, f.select(middle, near + step, rest))
