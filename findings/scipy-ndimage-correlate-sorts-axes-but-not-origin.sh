#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6.
# ndimage.correlate(image, weights, axes=(2, 0)) should run the first axis of the weights along axis 2
# of the image, and the second along axis 0, as gaussian_filter's sigma and uniform_filter's size go by
# the order of axes. It assigns the axes of the weights in rising order instead, so that axes=(2, 0)
# and axes=(0, 2) give the same: for weights of 3 x 1, differences along axis 0 in both cases. But
# origin goes by the order as it was written, so that the two arguments mean different axes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
from scipy import ndimage

image = np.random.default_rng(0).normal(size=(5, 4, 6))
weights = np.array([[-1.0], [0.0], [1.0]])
written = ndimage.correlate(image, weights, axes=(2, 0))
rising = ndimage.correlate(image, weights, axes=(0, 2))
along_2 = ndimage.correlate1d(image, weights[:, 0], axis=2)
along_0 = ndimage.correlate1d(image, weights[:, 0], axis=0)
of_sizes = ndimage.uniform_filter(image, (3, 1), axes=(2, 0))
print("axes=(2, 0) equals axes=(0, 2):", np.array_equal(written, rising))
print("it is along axis 0:", np.allclose(written, along_0), "along axis 2:", np.allclose(written, along_2))
follows = np.allclose(of_sizes, ndimage.uniform_filter1d(image, 3, axis=2))
print("uniform_filter(size=(3, 1), axes=(2, 0)) is along axis 2:", follows)
same = np.array_equal(written, rising) and np.allclose(written, along_0)
raise SystemExit(0 if same and not np.allclose(written, along_2) and follows else 1)
PY
