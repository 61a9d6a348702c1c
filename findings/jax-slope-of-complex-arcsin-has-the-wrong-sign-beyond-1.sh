#!/usr/bin/env bash
# JAX 0.10.2 (jaxlib 0.10.2) with NumPy 2.4.6, in double precision.
# Beyond 1 the real axis is a cut of the complex arcsin, and on the cut the sign of a zero says on
# which side: the value at 1.7 + 0i is pi/2 + 1.123i, JAX's as NumPy's. Along the cut the function is
# smooth, Im arcsin(x + 0i) = arccosh(x), with the slope 1/sqrt(x**2 - 1) = +0.727 at 1.7. One would
# expect the derivative to be of the same side as the value. JAX gives -0.727, that of the other
# side: in 1/sqrt(1 - z**2) the subtraction loses the sign of the zero. So it is for arccos beyond 1
# and for arccosh below -1 (its real part is arccosh(-x), of slope -0.727 at -1.7).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu JAX_ENABLE_X64=1 "$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

step, seen = 1e-6, []
for name, x, part in (("arcsin", 1.7, "imag"), ("arccos", 1.7, "imag"), ("arccosh", -1.7, "real")):
    value = getattr(getattr(jnp, name)(x + 0j), part)
    slope = jax.grad(lambda t: getattr(getattr(jnp, name)(t + 0j), part))(x)
    above, below = (getattr(getattr(np, name)(complex(x + h)), part) for h in (step, -step))
    difference = (above - below) / (2 * step)
    same_value = np.isclose(value, getattr(getattr(np, name)(complex(x)), part))
    print(f"{name}({x} + 0i).{part}: JAX's slope {slope:.6f}, difference quotient {difference:.6f}")
    seen.append(same_value and np.isclose(slope, -difference, rtol=1e-6))
raise SystemExit(0 if all(seen) else 1)
PY
