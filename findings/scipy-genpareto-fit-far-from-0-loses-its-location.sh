#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6.
# The tail of a sample is described by a generalised Pareto distribution that begins at a threshold.
# One expects scipy.stats.genpareto.fit, which estimates shape, location and scale, to give the same
# shape and scale for a sample and for the sample moved by a constant, and a location that moves
# along. For 500 exponential numbers it does (shape near 0, scale near 1). For the same numbers plus
# 100 it returns a shape near -3, a location near -1.5, a hundred below the smallest number, and a
# scale of hundreds, without a warning: and its likelihood is worse than that of the parameters for
# the unmoved sample. With floc=100 all is well. So fix the location, and subtract it first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" -W error - <<'PY'
import numpy as np
from scipy.stats import genpareto

excesses = np.random.default_rng(0).exponential(size=500)
near = genpareto.fit(excesses)
far = genpareto.fit(excesses + 100.0)
fixed = genpareto.fit(excesses + 100.0, floc=100.0)
shifted = (near[0], near[1] + 100.0, near[2])
for name, (shape, location, scale) in (
    ("the sample", near), ("plus 100", far), ("plus 100, floc=100", fixed)
):
    print(f"{name:20} shape {shape:8.3f}  location {location:8.3f}  scale {scale:8.3f}")
with np.errstate(all="ignore"):
    likelihoods = [float(np.sum(genpareto.logpdf(excesses + 100.0, *p))) for p in (far, shifted)]
print("log-likelihood of what it returned, and of the first fit moved by 100:", likelihoods)
astray = far[0] < -1.0 and far[1] < 50.0 and likelihoods[0] < likelihoods[1]
sound = abs(near[0]) < 0.2 and abs(fixed[0]) < 0.2
raise SystemExit(0 if astray and sound else 1)
PY
