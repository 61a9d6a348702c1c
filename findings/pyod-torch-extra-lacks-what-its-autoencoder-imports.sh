#!/usr/bin/env bash
# PyOD 3.6.7 with PyTorch 2.13.0 and scikit-learn 1.9.1.
# PyOD has an extra for its detectors that need PyTorch, and one expects `pip install 'pyod[torch]'` to
# bring all that they import. AutoEncoder and VAE also import tqdm, which neither the package
# nor that extra asks for: in a fresh environment the import ends in a ModuleNotFoundError, and works
# once tqdm is there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 scikit-learn==1.9.1 'pyod[torch]==3.6.7'
imports() {
    "$work/venv/bin/python" -W ignore - <<'PY'
import importlib

for name in ("auto_encoder", "vae"):
    try:
        importlib.import_module(f"pyod.models.{name}")
        print(f"{name}: imported")
    except ModuleNotFoundError as error:
        print(f"{name}: {error}")
PY
}
before=$(imports)
"$work/venv/bin/pip" install --quiet --disable-pip-version-check tqdm==4.67.1
after=$(imports)
printf 'after pip install pyod[torch]:\n%s\nand with tqdm:\n%s\n' "$before" "$after"
[ "$(grep -c "No module named 'tqdm'" <<<"$before")" = 2 ] && [ "$(grep -c ': imported' <<<"$after")" = 2 ]
