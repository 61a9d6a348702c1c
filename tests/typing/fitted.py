"""What a type checker knows of fitted estimators: mypy reads this file, nobody runs it."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import chainrule as cr

x: NDArray[np.float64] = np.ones((4, 2))

classifier = cr.TabularClassifier().fit(x, [0, 1, 0, 1])
assert_type(classifier, cr.TabularClassifier)
assert_type(classifier.predict(x), NDArray[Any])
assert_type(classifier.predict_proba(x), NDArray[Any])
assert_type(cr.TabularRegressor().fit(x, x[:, 0]).predict(x), NDArray[Any])
assert_type(cr.MLPClassifier().fit(x, [0, 1, 0, 1]).predict_proba(x), NDArray[Any])
assert_type(cr.MLPRegressor.load("model.safetensors"), cr.MLPRegressor)
assert_type(cr.MLPRegressor().fit(x, x[:, 0]).predict(x), NDArray[Any])
assert_type(cr.ImageClassifier().fit(x, [0, 1, 0, 1]).predict(x), NDArray[Any])
