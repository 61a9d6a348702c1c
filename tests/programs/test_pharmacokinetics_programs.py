"""Pharmacokinetics and populations: pharmacokinetics, yoshika, opendose-poppk and ecodyn."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("pharmacokinetics", "yoshika", "opendose_poppk", "ecodyn")

import ecodyn  # noqa: E402
from opendose_poppk.pk_model import PKModel as PopulationModel  # noqa: E402
from pharmacokinetics import multiple_doses, shared_formulas  # noqa: E402
from yoshika import Compartment, Drug, DrugLibrary, EffectSiteModel, PKModel, SigmoidEmaxModel  # noqa: E402

HOURS = np.array([0.0, 0.5, 2.0, 6.0])


def oral(dose: Any, volume: Any, absorption: Any, half_life: Any) -> Any:
    """pharmacokinetics: the concentration after a tablet, alone and in the steady state."""
    known = {"vd": volume, "ka": absorption, "t12": half_life, "elapsed": 3.0}
    single = shared_formulas.concentrationAtTime(dose, **known)
    return single, shared_formulas.concentrationAtTime(dose, interval=8.0, **known)


def regimen(absorption: Any, elimination: Any, highest: Any) -> Any:
    """pharmacokinetics: when the peak comes, and how long to wait for the next dose."""
    peak = shared_formulas.calculateTmax(ka=absorption, ke=elimination, interval=12.0)
    wait = multiple_doses.calculateRecommendedInterval(highest, 2.0, ke=elimination)
    return peak, wait, multiple_doses.calculateCmax(highest, wait, ke=elimination)


def block(central: Any, clearance: Any, absorption: Any) -> Any:
    """yoshika.PKModel: lidocaine from a depot into three compartments."""
    drug = dataclasses.replace(DrugLibrary.get(Drug.LIDOCAINE), v1=central, cl=clearance)
    model = PKModel(drug_params=drug, initial_compartment=Compartment.DEPOT, ka_override=absorption)
    return model.solve(duration_min=8.0, dt=2.0).plasma_concentration


def effect(equilibration: Any, potency: Any, steepness: Any) -> Any:
    """yoshika.EffectSiteModel with SigmoidEmaxModel: how deep the block is."""
    minutes = np.linspace(0.0, 10.0, 6)
    model = SigmoidEmaxModel(ec50=potency, gamma=steepness)
    site = EffectSiteModel(ke0=equilibration)
    return site.compute_full(minutes, 4.0 * np.exp(-0.1 * minutes), model).effect


def population(dose: Any, volume: Any, saturation: Any) -> Any:
    """opendose_poppk.PKModel.concentration_nonlinear: saturable elimination."""
    model = PopulationModel(F=0.8, ka=1.8, ke=0.28, Vd=volume)
    return model.concentration_nonlinear(HOURS, D=dose, vmax=80.0, km=saturation)


def predators(growth: Any, hunting: Any, feeding: Any, death: Any) -> Any:
    """ecodyn.lotka_volterra: the last state of a run of Runge-Kutta steps."""
    return ecodyn.lotka_volterra(growth, hunting, feeding, death, 10.0, 5.0, 0.4, dt=0.05)[-1][1:]


PROGRAMS = [
    Program("pharmacokinetics-oral", oral, (500.0, 30.0, 1.2, 5.0)),
    Program("pharmacokinetics-regimen", regimen, (1.2, 0.15, 9.0)),
    Program("yoshika-compartments", block, (12.0, 0.64, 0.06), twice=False),
    Program(
        "yoshika-effect",
        effect,
        (0.12, 3.0, 2.0),
        twice=False,
        rtol=2e-4,
        both_modes=1e-7,
    ),
    Program(
        "opendose-nonlinear",
        population,
        (1000.0, 65.0, 20.0),
        twice=False,
        both_modes=1e-8,
    ),
    Program("ecodyn-predators", predators, (1.1, 0.4, 0.1, 0.4)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
