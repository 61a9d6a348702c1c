"""Export a trained network as ONNX, and run it in another runtime (needs the extra `onnx`).

The file holds the whole way from the measured columns to probabilities, for any number of rows.
Here the reference evaluator of the package onnx runs it; onnxruntime and others read the same file.
"""

import tempfile
from pathlib import Path

import numpy as np
from onnx.reference import ReferenceEvaluator
from sklearn.datasets import load_wine

import chainrule as cr


def main() -> None:
    x, y = load_wine(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    test = np.arange(len(x)) % 4 == 0
    model = cr.MLPClassifier((16,), max_iter=200, learning_rate_init=0.01, random_state=0)
    model.fit(x[~test], y[~test])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wine.onnx")
        model.save_onnx(path)
        print(f"the file has {path.stat().st_size} bytes")
        exported = ReferenceEvaluator(str(path))
        outputs = exported.run(None, {exported.input_names[0]: x[test]})

    probabilities = next(output for output in outputs if output.shape == (test.sum(), 3))
    difference = np.abs(probabilities - model.predict_proba(x[test])).max()
    print(f"accuracy of the exported model: {np.mean(probabilities.argmax(axis=1) == y[test]):.4f}")
    print(f"the largest difference of a probability: {difference:.1e}")


if __name__ == "__main__":
    main()
