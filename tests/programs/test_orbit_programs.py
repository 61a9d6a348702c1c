"""Orbits: sgp4's propagation in Python, skyfield and pyorb."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("sgp4", "skyfield", "pyorb")

import pyorb  # noqa: E402
from sgp4.model import Satrec  # noqa: E402
from skyfield import keplerlib  # noqa: E402

EARTH = 398600.4418


def satellite(drag: Any, eccentricity: Any, inclination: Any, anomaly: Any, motion: Any) -> Any:
    """sgp4.Satrec.sgp4init and sgp4_tsince: a low satellite two hours after its epoch."""
    drag = 1e-4 * drag
    body = Satrec()
    body.sgp4init(
        1, "i", 5, 18441.785, drag, 0.0, 0.0, eccentricity, 5.79, inclination, anomaly, motion, 6.09
    )
    error, position, velocity = body.sgp4_tsince(120.0)
    assert error == 0
    return np.array(position), np.array(velocity)


LINES = (
    "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813",
    "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656",
)


def molniya(minutes: Any) -> Any:
    """sgp4.Satrec.twoline2rv: the deep-space branch, by the time."""
    _, position, velocity = Satrec.twoline2rv(*LINES).sgp4_tsince(minutes)
    return position, velocity


def propagated(position: Any, velocity: Any) -> Any:
    """skyfield.keplerlib.propagate: universal variables, found by bisection."""
    return keplerlib.propagate(position, velocity, 0.0, np.array([600.0, 5400.0]), EARTH)


def elements(kep: Any) -> Any:
    """pyorb.kep_to_cart: position and velocity of Keplerian elements."""
    return pyorb.kep_to_cart(kep, mu=EARTH)


def from_state(cart: Any) -> Any:
    """pyorb.cart_to_kep: Keplerian elements of position and velocity."""
    return pyorb.cart_to_kep(cart, mu=EARTH)


def anomalies(mean: Any, eccentricity: Any) -> Any:
    """pyorb.mean_to_true: Kepler's equation, solved by Laguerre's method."""
    return pyorb.mean_to_true(mean, eccentricity)


def orbit_class(a: Any, eccentricity: Any, mean: Any) -> Any:
    """pyorb.Orbit: a mean anomaly is set, the state is read."""
    orbit = pyorb.Orbit(
        M0=pyorb.M_earth, a=a, e=eccentricity, i=0.9, omega=0.3, Omega=1.1, anom=0.4
    )
    orbit.propagate(mean)
    return orbit.cartesian


STATE = np.array([6524.834, 6862.875, 6448.296, 4.901327, 5.533756, -1.976341])
PROGRAMS = [
    Program(
        "sgp4-low",
        satellite,
        (0.28, 0.1859667, 0.598, 0.336, 0.0472294),
        rtol=1e-5,
    ),
    Program("sgp4-molniya", molniya, (700.0,), rtol=1e-5),
    Program(
        "skyfield-propagate",
        propagated,
        (STATE[:3], STATE[3:]),
        refused="an interval is halved",
    ),
    Program("pyorb-kep-to-cart", elements, (np.array([7000.0, 0.1, 0.9, 0.4, 1.2, 0.7]),)),
    Program(
        "pyorb-cart-to-kep",
        from_state,
        (STATE,),
    ),
    Program(
        "pyorb-mean-to-true",
        anomalies,
        (np.array([0.3, 1.2, 4.0]), np.array([0.1, 0.6, 0.3])),
    ),
    Program("pyorb-orbit", orbit_class, (7.2e6, 0.1, 900.0)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
