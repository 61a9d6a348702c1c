#!/usr/bin/env bash
# NumPy 2.4.6.
# np.fft.ifft of float16 gives complex64, so one expects the accuracy of float32, as np.fft.fft of the
# same numbers has it. But the factor 1/n is rounded to float16 before it is applied: for lengths that
# are no powers of two all of the result is off by the same factor, 2e-4 and more, a thousand times the
# rounding of its dtype. irfft, and norm="forward" of fft, do the same; x.astype(np.float32) first
# cures it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np

x = np.ones(100, np.float16)
half, single = np.fft.ifft(x), np.fft.ifft(x.astype(np.float32))
print(f"ifft of 100 ones: {half[0].real:.7f} of float16, {single[0].real:.7f} of float32, {half.dtype}")
forward = np.fft.fft(x)[0].real
print(f"fft: {forward:.7f}")
off = abs(half[0].real - 1.0)
raise SystemExit(0 if half.dtype == np.complex64 and off > 1e-5 and abs(single[0].real - 1) < 1e-6
                 and forward == 100.0 else 1)
PY
