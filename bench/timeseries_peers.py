"""Peers of `TimeSeriesClassifier`, of aeon: run as a script, with the Python that has it.

`python timeseries_peers.py DATA.npz NAME...` prints a line of JSON for each: its name, accuracies
of each seed, and seconds of CPU for one. Nothing of chainrule is imported.
"""

import json
import os
import sys
import warnings
from time import process_time

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier, RocketClassifier
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

SEEDS = 1  # ROCKET takes minutes
MAKERS = {
    "ROCKET": lambda seed: RocketClassifier(random_state=seed),
    "MiniRocket": lambda seed: MiniRocketClassifier(random_state=seed),
    "1-NN-DTW": lambda seed: KNeighborsTimeSeriesClassifier(n_neighbors=1, distance="dtw"),
}


def series(arrays, part, name):
    """Series of that part; of unequal lengths as a list, or with zeros at the ends for ROCKET."""
    values, lengths = arrays[f"x_{part}"], arrays[f"lengths_{part}"]
    if (lengths == values.shape[2]).all() or name != "1-NN-DTW":
        return np.nan_to_num(values)
    return [one[:, :length] for one, length in zip(values, lengths, strict=True)]


def main(path, names):
    warnings.simplefilter("ignore")
    arrays = dict(np.load(path))
    for name in names:
        x, test = (series(arrays, part, name) for part in ("train", "test"))
        seeds = SEEDS
        MAKERS[name](0).fit(x[:4], np.array(["a", "b", "a", "b"])).predict(test[:1])  # compiled
        scores, start = [], process_time()
        for seed in range(seeds):
            model = MAKERS[name](seed).fit(x, arrays["y_train"])
            scores.append(float(np.mean(model.predict(test) == arrays["y_test"])))
        seconds = (process_time() - start) / seeds
        print(json.dumps({"name": name, "scores": scores, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
