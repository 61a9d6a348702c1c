"""Prices of options and yields: vollib, blackscholes, mibian, nelson-siegel-svensson."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import BRANCHES, Program, program_tests, require

require("blackscholes", "mibian", "nelson_siegel_svensson", "vollib.ref_python")

import blackscholes  # noqa: E402
import mibian  # noqa: E402
import vollib.ref_python.black as vollib_black  # noqa: E402
import vollib.ref_python.black_scholes as vollib_black_scholes  # noqa: E402
import vollib.ref_python.black_scholes.implied_volatility as vollib_implied  # noqa: E402
from nelson_siegel_svensson import NelsonSiegelSvenssonCurve  # noqa: E402

MATURITIES = np.array([0.0, 0.25, 1.0, 2.0, 5.0, 10.0])


def reference(s: Any, t: Any, r: Any, sigma: Any) -> Any:
    """vollib's reference price of a call and of a put."""
    price = vollib_black_scholes.black_scholes
    return price("c", s, 100.0, t, r, sigma), price("p", s, 100.0, t, r, sigma)


def black76(f: Any, k: Any, sigma: Any) -> Any:
    """vollib's reference price of an option on a future."""
    return vollib_black.black("c", f, k, sigma, 0.05, 0.4)


def implied(price: Any, s: Any) -> Any:
    """vollib's reference of the implied volatility: a root that SciPy finds."""
    return vollib_implied.implied_volatility(price, s, 100.0, 0.5, 0.01, "c")


def greeks(s: Any, k: Any, t: Any, r: Any, sigma: Any, q: Any) -> Any:
    """blackscholes: price and Greeks of a call and a put."""
    call = blackscholes.BlackScholesCall(s, k, t, r, sigma, q)
    put = blackscholes.BlackScholesPut(s, k, t, r, sigma, q)
    return call.price(), call.delta(), call.vega(), call.charm(), put.price(), put.theta()


def structure(s: Any, sigma: Any) -> Any:
    """blackscholes: a butterfly of calls."""
    spread = blackscholes.BlackScholesButterflyLong(s, 90.0, 100.0, 110.0, 1.0, 0.02, sigma)
    return spread.price(), spread.gamma()


def mibian_price(price: Any, rate: Any, volatility: Any) -> Any:
    """mibian.BS, which makes floats of what it is given."""
    option = mibian.BS([price, 100.0, rate, 120.0], volatility=volatility)
    return option.callPrice, option.putPrice, option.vega


def curve(b0: Any, b1: Any, b2: Any, b3: Any, tau1: Any, tau2: Any) -> Any:
    """Nelson, Siegel and Svensson's curve: zero and forward rates at plain maturities."""
    y = NelsonSiegelSvenssonCurve(b0, b1, b2, b3, tau1, tau2)
    return y(MATURITIES.copy()), y.forward(MATURITIES)


PROGRAMS = [
    Program("vollib-black-scholes", reference, (102.0, 0.5, 0.02, 0.25)),
    Program("vollib-black", black76, (101.0, 98.0, 0.2)),
    Program("vollib-implied-volatility", implied, (7.5, 101.0), refused_under_jit=BRANCHES),
    Program("blackscholes-greeks", greeks, (102.0, 100.0, 0.5, 0.02, 0.25, 0.01)),
    Program("blackscholes-butterfly", structure, (102.0, 0.25)),
    Program("mibian-bs", mibian_price, (102.0, 2.0, 25.0)),
    Program("nelson-siegel-svensson", curve, (0.04, -0.02, 0.01, 0.015, 2.0, 4.5)),
]  # fmt: skip

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
