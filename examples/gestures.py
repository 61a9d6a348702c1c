"""Tell gestures apart that a sensor recorded: three channels, any length, with gaps.

Run it with `python examples/gestures.py`.
"""

import numpy as np

import chainrule as cr

GESTURES = ("circle", "eight", "zigzag")


def record(gesture: str, rng: np.random.Generator) -> np.ndarray:
    """Three channels of an acceleration sensor while a hand draws, of 40 to 90 points."""
    points = int(rng.integers(40, 91))
    phase = np.arange(points) / rng.uniform(25, 35) * 2 * np.pi + rng.uniform(0, 2 * np.pi)
    if gesture == "circle":
        path = np.stack([np.cos(phase), np.sin(phase), 0 * phase])
    elif gesture == "eight":
        path = np.stack([np.cos(phase), np.sin(2 * phase), 0 * phase])
    else:
        path = np.stack([np.cos(phase), 2 / np.pi * np.arcsin(np.sin(3 * phase)), 0 * phase])
    series = path * rng.uniform(0.7, 1.3) + rng.normal(0, 0.4, (3, points))
    series[:, rng.uniform(size=points) < 0.05] = np.nan  # the radio link loses points
    return series


def main() -> None:
    """Train on 60 recordings, and test on 150 others."""
    rng = np.random.default_rng(0)
    labels = [GESTURES[k % 3] for k in range(210)]
    recordings = [record(label, rng) for label in labels]
    model = cr.TimeSeriesClassifier(random_state=0, progress=False)
    model.fit(recordings[:60], labels[:60])
    print(f"left out of the training: {model.left_out_score_:.3f} are recognised")
    print(f"of 150 others: {model.score(recordings[60:], labels[60:]):.3f}")
    sure = model.predict_proba(recordings[60:]).max(axis=1)
    print(f"the least sure answer has a probability of {sure.min():.2f}")


if __name__ == "__main__":
    main()
