"""Lattices, thin films and pipes: pythtb, tmm and fluids."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("pythtb", "tmm", "fluids")

import fluids  # noqa: E402
import tmm  # noqa: E402
from pythtb import tb_model  # noqa: E402

LATTICE = [[1.0, 0.0], [0.5, np.sqrt(3.0) / 2.0]]
SITES = [[1.0 / 3.0, 1.0 / 3.0], [2.0 / 3.0, 2.0 / 3.0]]


def _graphene(onsite: Any, hop: Any) -> tb_model:
    model = tb_model(2, 2, LATTICE, SITES)
    model.set_onsite([-onsite, onsite])
    for cell in ([0, 0], [1, 0], [0, 1]):
        first, second = (0, 1) if cell == [0, 0] else (1, 0)
        model.set_hop(hop, first, second, cell)
    return model


def bands(onsite: Any, hop: Any) -> Any:
    """pythtb.tb_model: the bands of graphene by its two parameters."""
    return _graphene(onsite, hop).solve_all([[0.1, 0.3], [0.2, 0.45]])


def dispersion(k: Any) -> Any:
    """pythtb.tb_model.solve_one: energies by the wave vector."""
    return _graphene(0.3, -1.0).solve_one(k)


def film(thickness: Any, wavelength: Any) -> Any:
    """tmm.coh_tmm: the light that a coated, absorbing film reflects and transmits."""
    stack = [1.0, 2.2 + 0.1j, 3.3 + 0.3j, 1.5]
    depths = [np.inf, thickness[0], thickness[1], np.inf]
    result = tmm.coh_tmm("p", stack, depths, 0.4, wavelength)
    return result["R"], result["T"]


def thick(angle: Any, index: Any) -> Any:
    """tmm.unpolarized_RT: a glass plate by its index and the angle."""
    result = tmm.unpolarized_RT([1.0, index, 1.0], [np.inf, 300.0, np.inf], angle, 500.0)
    return result["R"], result["T"]


def pipe(speed: Any, roughness: Any) -> Any:
    """fluids.friction_factor: Clamond's solution of Colebrook's equation, and three others."""
    methods = ("Clamond", "Colebrook", "Haaland", "Serghides_2")
    return [fluids.friction_factor(1e5 * speed, 1e-3 * roughness, Method=name) for name in methods]


def gas_line(diameter: Any, length: Any, inlet: Any) -> Any:
    """fluids.isothermal_gas: the mass flow through a line, and the outlet pressure for a flow."""
    flow = fluids.isothermal_gas(rho=11.3, fd=0.00185, P1=inlet, P2=9e5, L=length, D=diameter)
    outlet = fluids.isothermal_gas(rho=11.3, fd=0.00185, P1=inlet, L=length, D=diameter, m=100.0)
    return flow, outlet * 1e-3


def two_phases(mass: Any, quality: Any, tension: Any) -> Any:
    """fluids.two_phase: pressure drops of steam and water by Friedel and by Beggs and Brill."""
    water = {"m": mass, "x": quality, "rhol": 915.0, "rhog": 2.67, "mul": 180e-6, "mug": 14e-6}
    water |= {"sigma": tension, "D": 0.05, "L": 1.0}
    friedel = fluids.Friedel(**water)
    inclined = fluids.Beggs_Brill(P=1e7, angle=20.0, roughness=1e-5, **water)
    return friedel, inclined


PROGRAMS = [
    Program("pythtb-bands", bands, (0.3, -1.1)),
    Program("pythtb-dispersion", dispersion, (np.array([0.15, 0.32]),)),
    Program("tmm-film", film, (np.array([100.0, 300.0]), 620.0), twice=False),
    Program("tmm-plate", thick, (0.5, 1.6), twice=False),
    Program("fluids-friction", pipe, (1.0, 0.4)),
    Program("fluids-gas-line", gas_line, (0.5, 1000.0, 1e6)),
    Program("fluids-two-phase", two_phases, (0.6, 0.1, 0.0487)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
