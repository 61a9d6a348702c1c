#!/usr/bin/env bash
# scikit-learn 1.9.1 with NumPy 2.4.6 and SciPy 1.17.1.
# Two rows of an extra class among 4,500 rows of nine others are hardly worth a thought, and one
# expects the default HistGradientBoostingClassifier to answer for the nine as it does without those
# two rows. For some tables it does not: a leaf's value is the gradient over the curvature
# p (1 - p), which goes to 0 for a class that is never predicted, and the default
# l2_regularization=0 does not bound it. A raw score then reaches tens of thousands, the
# probabilities become 0 and 1, and rows that have nothing to do with the rare class are answered
# wrongly. l2_regularization=1 gives sound answers on the same rows. No warning says anything.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
OMP_NUM_THREADS=1 "$work/venv/bin/python" - <<'PY'
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss

draws = np.random.default_rng(2)
rows = draws.normal(size=(10_000, 6))
scores = rows @ draws.normal(size=(6, 10)) + 0.5 * draws.gumbel(size=(10_000, 10))
classes = scores.argmax(axis=1)
of_nine = np.flatnonzero(classes != 0)
nine = of_nine[of_nine < 5000]
two = np.flatnonzero(classes[:5000] == 0)[:2]
test = of_nine[of_nine >= 5000]


def quality(training, **options):
    model = HistGradientBoostingClassifier(early_stopping=False, random_state=0, **options)
    model.fit(rows[training], classes[training])
    loss = log_loss(classes[test], model.predict_proba(rows[test]), labels=model.classes_)
    return accuracy_score(classes[test], model.predict(rows[test])), loss


without, with_two = quality(nine), quality(np.sort([*nine, *two]))
bounded = quality(np.sort([*nine, *two]), l2_regularization=1.0)
for name, (accuracy, loss) in [
    ("nine classes", without), ("and two rows of a tenth", with_two),
    ("the same, l2_regularization=1", bounded),
]:
    print(f"{name}: accuracy {accuracy:.3f}, log loss {loss:.2f}")
broken = with_two[0] < without[0] - 0.05 and with_two[1] > 3 * without[1]
raise SystemExit(0 if broken and bounded[1] < 1.5 * without[1] else 1)
PY
