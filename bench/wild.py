"""Programs of packages on PyPI, unedited: value and all gradients, compiled, beside NumPy's value.

Each is called as its users call it, with the sizes that they have; `pip install '.[programs]'`
brings the packages. autograd and JAX are handed the same functions, and where a package's code does
not take their arrays, a line on stderr says so, and the table says how often.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from statistics import median
from time import perf_counter
from typing import Any

import autograd
import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest, Outcome, run

PACKAGES = ("acousticspy", "colorspacious", "ecodyn", "fluids", "geomdl", "ikpy", "imreg",
            "pharmacokinetics", "pyorb", "pytransform3d", "skyfield", "splines")  # fmt: skip
TURN = 4e-3  # seconds that the calls of a turn should take
Function = Callable[..., Any]


@dataclass(frozen=True)
class Program:
    """What is computed by whom, as a number, and of what."""

    task: str
    value: Function
    at: tuple[Any, ...]


# Programs, in the order of their fields


def regimen(absorption: Any, elimination: Any, highest: Any) -> Any:
    from pharmacokinetics import multiple_doses, shared_formulas

    peak = shared_formulas.calculateTmax(ka=absorption, ke=elimination, interval=12.0)
    wait = multiple_doses.calculateRecommendedInterval(highest, 2.0, ke=elimination)
    return peak + multiple_doses.calculateCmax(highest, wait, ke=elimination)


def predators(growth: Any, hunting: Any, feeding: Any, death: Any) -> Any:
    import ecodyn

    return ecodyn.lotka_volterra(growth, hunting, feeding, death, 10.0, 5.0, 1.0, 0.05)[-1][1]


def elements(kep: Any) -> Any:
    import pyorb

    return np.sum(pyorb.kep_to_cart(kep, mu=398600.4418) ** 2)


def precession(dates: Any) -> Any:
    from skyfield import precessionlib

    return np.sum(precessionlib.compute_precession(dates)[0])


def arm(angles: Any, lengths: Any) -> Any:
    from ikpy.chain import Chain
    from ikpy.link import DHLink, OriginLink

    links = [
        DHLink(f"{k}", d=0.1, a=lengths[k], alpha=0.5, use_symbolic_matrix=False) for k in range(6)
    ]
    hand = Chain([OriginLink(), *links]).forward_kinematics([0.0, *angles])[:3, 3]
    return np.sum((hand - np.array([0.5, 0.4, 0.2])) ** 2)


def poses(pqs: Any) -> Any:
    from pytransform3d import trajectories

    dual = trajectories.dual_quaternions_from_pqs(pqs)
    return np.sum(trajectories.transforms_from_dual_quaternions(dual)[:, :3, 3] ** 2)


def catmull_rom(vertices: Any) -> Any:
    import splines

    curve = splines.CatmullRom(vertices, endconditions="natural")
    return np.sum(curve.evaluate(np.linspace(0.1, 6.9, 50)) ** 2)


def b_spline(points: Any) -> Any:
    from geomdl import BSpline, utilities

    curve = BSpline.Curve()
    curve.degree = 3
    curve.ctrlpts = [list(p) for p in points]
    curve.knotvector = utilities.generate_knot_vector(3, len(points))
    return sum(sum(x * x for x in curve.evaluate_single(t)) for t in (0.1, 0.3, 0.6, 0.8))


def friction(reynolds: Any, roughness: Any) -> Any:
    import fluids

    return fluids.Churchill_1977(reynolds, roughness) + fluids.Haaland(reynolds, roughness)


def log_polar(picture: Any) -> Any:
    import imreg

    spectrum = np.fft.fftshift(abs(np.fft.fft2(picture))) * imreg.highpass(picture.shape)
    return np.sum(imreg.logpolar(spectrum)[0] ** 2)


def difference(first: Any, second: Any) -> Any:
    import colorspacious

    return np.sum(colorspacious.deltaE(first, second, input_space="sRGB1", uniform_space="CIELab"))


def absorption(pressure: Any, temperature: Any, humidity: Any) -> Any:
    import acousticspy

    frequencies = np.geomspace(20.0, 20_000.0, 1000)
    return np.mean(acousticspy.get_alpha(frequencies, pressure, temperature, humidity))


def field(microphones: Any, positions: Any, strengths: Any, phases: Any) -> Any:
    import acousticspy

    pressure = acousticspy.pressure_field(
        positions, 500.0, field_points=microphones, strengths=strengths, phases=phases
    )
    return np.sum(np.abs(pressure) ** 2)


def piston(radius: Any, frequency: Any) -> Any:
    import acousticspy

    angles = np.linspace(0.05, 1.4, 1000)
    beam = acousticspy.baffled_circular_piston_directivity(radius, frequency, angles)
    return np.sum(beam**2)


def spectrum(waveform: Any) -> Any:
    import acousticspy

    transformed, _ = acousticspy.get_fft(waveform, 1024.0)
    return np.sum(np.abs(transformed) ** 2) + acousticspy.get_oaspl(waveform)


@cache
def programs() -> tuple[Program, ...]:
    rng = np.random.default_rng(0)
    low = np.array([[7000.0], [0.0], [0.1], [0.0], [0.0], [0.0]])
    high = np.array([[9000.0], [0.5], [1.5], [6.0], [6.0], [6.0]])
    dates = 2451545.0 + rng.uniform(-10_000.0, 10_000.0, 1000)
    vertices = rng.normal(size=(8, 2))
    colours = rng.uniform(0.05, 0.95, size=(2, 2000, 3))
    microphones = rng.normal(size=(100, 3)) + np.array([3.0, 0.0, 0.0])
    sources = (
        0.2 * rng.normal(size=(8, 3)), rng.uniform(0.01, 0.02, 8), rng.uniform(0.0, 1.0, 8),
    )  # fmt: skip
    return (
        Program("pharmacokinetics: a regimen, 3 numbers", regimen, (1.2, 0.15, 9.0)),
        Program("ecodyn: 20 Runge-Kutta steps", predators, (1.1, 0.4, 0.1, 0.4)),
        Program("pyorb: 1,000 orbits", elements, (rng.uniform(low, high, size=(6, 1000)),)),
        Program("skyfield: precession of 1,000 dates", precession, (dates,)),
        Program("ikpy: 6 joints", arm, (rng.normal(size=6), rng.uniform(0.2, 0.5, 6))),
        Program("pytransform3d: 200 poses", poses, (rng.normal(size=(200, 7)),)),
        Program("splines: 50 points of Catmull-Rom", catmull_rom, (vertices,)),
        Program("geomdl: 4 points of a B-spline", b_spline, (vertices,)),
        Program("fluids: a friction factor", friction, (1e5, 1e-4)),
        Program("imreg: 64 x 64 pixels", log_polar, (rng.normal(size=(64, 64)),)),
        Program("colorspacious: 2,000 pairs", difference, tuple(colours)),
        Program("acousticspy: air, 1,000 frequencies", absorption, (1.0, 20.0, 40.0)),
        Program("acousticspy: 8 sources, 100 points", partial(field, microphones), sources),
        Program("acousticspy: a piston, 1,000 angles", piston, (0.1, 2000.0)),
        Program("acousticspy: 1,024 samples", spectrum, (rng.normal(size=1024),)),
    )


# Contests


def same_value(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-9)


def same(ours: Any, theirs: Any) -> None:
    same_value(ours, np.asarray(theirs[0]))
    for a, b in zip(ours[1], theirs[1], strict=True):
        b = np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * (1.0 + np.abs(b).max()))


def matched(task: str, peer: str, ours: Function, theirs: Function, check: Function) -> Outcome:
    """As many calls a turn as take some milliseconds, and turns for a second."""
    check(ours(), theirs())
    start = perf_counter()
    ours()
    theirs()
    slow = perf_counter() - start
    number = max(1, min(1000, round(TURN / slow)))
    rounds = max(5, min(41, round(1.0 / (slow * number))))
    return run(Contest(task, peer, ours, theirs, check, rounds, number))


def gradients() -> Iterator[tuple[str, Callable[[Program], Function]]]:
    """The peers that compute gradients: each makes a function without arguments of a program."""
    yield "autograd", lambda p: partial(autograd.value_and_grad(lambda at: p.value(*at)), p.at)
    jax = peers.jax()
    if jax is not None:

        def compiled(p: Program) -> Function:
            there = [jax.numpy.asarray(x) for x in p.at]
            f = jax.jit(jax.value_and_grad(p.value, argnums=tuple(range(len(there)))))
            return lambda: jax.block_until_ready(f(*there))

        yield "JAX jit", compiled


def _by_peer(
    program: Program, peer: str, make: Callable[[Program], Function], ours: Function
) -> Outcome | None:
    """The outcome; None if the peer does not run the program."""
    try:
        theirs = make(program)
        theirs()
    except Exception as error:
        print(f"{peer} does not run {program.task}: {type(error).__name__}", file=sys.stderr)
        return None
    return matched(program.task, peer, ours, theirs, same)


def contests() -> Iterator[Outcome | tuple[str, ...]]:
    if not all(map(peers.installed, PACKAGES)):
        return
    warnings.simplefilter("ignore")  # of the packages, and of autograd about them
    ratios: dict[str, list[float]] = {}
    for program in programs():
        arguments = tuple(range(len(program.at)))
        ours = partial(cr.jit(cr.value_and_grad(program.value, argnums=arguments)), *program.at)
        value = partial(program.value, *program.at)
        outcomes = [matched(program.task, "NumPy, value only", ours, value, same_value)]
        outcomes += filter(None, (_by_peer(program, *peer, ours) for peer in gradients()))
        for outcome in outcomes:
            ratios.setdefault(outcome.peer, []).append(outcome.ratio)
            yield outcome
    count = len(programs())
    for peer, of_peer in ratios.items():
        of_peer.sort()
        quarter = len(of_peer) // 4
        if len(of_peer) > 1:
            yield (
                "wild", f"median of {len(of_peer)} programs", peer, "", "",
                f"{median(of_peer):.2f}", f"{of_peer[quarter]:.2f} to {of_peer[-1 - quarter]:.2f}",
            )  # fmt: skip
        if len(of_peer) < count:
            others = f"the other {count - len(of_peer)} programs"
            yield "wild", others, peer, "", "does not run them", "", ""
