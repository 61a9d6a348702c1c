#!/usr/bin/env bash
# JAX 0.10.2 (jaxlib 0.10.2) with NumPy 2.4.6, in double precision: jax.experimental.ode.odeint.
# `mxstep` is the maximum number of steps between two times. One would expect an integration that
# needs more to fail, or to give nan (SciPy's odeint warns, its solve_ivp reports a failure). JAX's
# stops where it is and evaluates the polynomial of its last step at the time that was asked for,
# however far outside of that step it is. For y' = -y, y(0) = 1 on 0, 2.5, 5, 7.5, 10 with mxstep=3
# the solution falls from 1 to 0.00005, and what comes back rises to 36.5: finite, no warning.
# The gradient by y(0), 0.021 in place of 0.00005, is no warning either.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu JAX_ENABLE_X64=1 "$work/venv/bin/python" -W error - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.ode import odeint

times = jnp.linspace(0.0, 10.0, 5)


def solved(start, **options):
    return odeint(lambda y, t: -y, start, times, **options)


exact = np.exp(-np.asarray(times))
enough, cut = solved(1.0), np.asarray(solved(1.0, mxstep=3))
slope = float(jax.grad(lambda start: solved(start, mxstep=3)[-1])(1.0))
print("exact    ", exact)
print("no limit ", np.asarray(enough))
print("mxstep=3 ", cut, f"slope of the last {slope:.3f}")
right = np.allclose(enough, exact, atol=1e-7)
silently_wrong = np.all(np.isfinite(cut)) and cut[-1] > 1e5 * exact[-1] and np.isfinite(slope)
raise SystemExit(0 if right and silently_wrong else 1)
PY
