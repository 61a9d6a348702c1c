"""Recognise images: a convolution network learns handwritten digits.

The data are scikit-learn's 1,797 digits of 8 x 8 pixels; the last 360 are kept for the test.
"""

import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr


def main() -> None:
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target
    train, test = slice(None, -360), slice(-360, None)

    model = cr.ImageClassifier(epochs=8, width=16, random_state=0, progress=False)
    model.fit(images[train], labels[train])

    predicted = model.predict(images[test])
    wrong = np.flatnonzero(predicted != labels[test])
    commonest = np.bincount(labels[train]).argmax()
    print(f"accuracy on {len(predicted)} images not seen: {np.mean(predicted == labels[test]):.4f}")
    print(f"the commonest class alone: {np.mean(labels[test] == commonest):.4f}")
    for k in wrong[:3]:
        print(f"image {k} is a {labels[test][k]} and was read as a {predicted[k]}")


if __name__ == "__main__":
    main()
