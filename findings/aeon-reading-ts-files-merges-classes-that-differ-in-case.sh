#!/usr/bin/env bash
# aeon 1.6.0 with NumPy 2.3.5 (sktime 1.2.0 does the same).
# A .ts file declares its classes in @classLabel, here "A" and "a", and its two series are of one each.
# load_from_ts_file makes all text lower case before it looks at the labels: both series come back as
# "a", so that two classes are one, without a word (and "Standing" of the archive's BasicMotions is
# "standing", unlike in the same set's .arff file). Expected: the labels as the file has them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 aeon==1.6.0
printf '@problemName Case\n@timeStamps false\n@univariate true\n@classLabel true A a\n@data\n1,2,3,4:A\n2,3,4,5:a\n' \
  > "$work/case.ts"
"$work/venv/bin/python" -W ignore - "$work/case.ts" <<'PY'
import sys

from aeon.datasets import load_from_ts_file

_, labels = load_from_ts_file(sys.argv[1])
print(f"labels read: {list(map(str, labels))} (in the file: ['A', 'a'])")
raise SystemExit(0 if list(labels) == ["a", "a"] else 1)
PY
