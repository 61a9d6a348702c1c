#!/usr/bin/env bash
# PyOD 3.6.7 with NumPy 2.4.6, SciPy 1.17.1 and scikit-learn 1.9.1.
# A detector that is fitted has learned what is normal, and one expects its score of a row to be the
# same whether the row comes alone or with others. ECOD and COPOD put the rows of the call among
# those of the training before they count: a row's score then depends on which rows come with it,
# and a thousand copies of an outlier make each of them look usual.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pyod==3.6.7
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD

rows = np.random.default_rng(0).normal(size=(200, 3))
outlier = np.full((1, 3), 6.0)
as_seen = []
for cls in (ECOD, COPOD):
    model = cls().fit(rows)
    alone = float(model.decision_function(outlier)[0])
    many = float(model.decision_function(np.repeat(outlier, 1000, axis=0))[0])
    print(f"{cls.__name__}: the outlier alone {alone:.3f}, with 999 copies {many:.3f}, "
          f"threshold {model.threshold_:.3f}")
    as_seen.append(alone > model.threshold_ > many)
raise SystemExit(0 if all(as_seen) else 1)
PY
