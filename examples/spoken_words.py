"""Recognise short recordings: features, network and training start from the samples.

The recordings are made here: each "word" is a vowel-like sound that glides between two pairs of
resonances, at a random pitch, speed and loudness, with noise. Give paths of WAV files, or a folder
with a folder of recordings for each class, in their place.
"""

import numpy as np

import chainrule as cr

RATE = 8000
# Start and end of the first two resonances (formants) in hertz, after Peterson and Barney (1952)
WORDS = {
    "ai": ((730, 1090), (270, 2290)),
    "ia": ((270, 2290), (730, 1090)),
    "ua": ((300, 870), (730, 1090)),
    "au": ((730, 1090), (300, 870)),
}


def speak(word: str, rng: np.random.Generator) -> np.ndarray:
    """Samples of one word: harmonics of a pitch, weighted by two gliding resonances."""
    count = rng.integers(2000, 4000)
    time, position = np.arange(count) / RATE, np.linspace(0, 1, count)
    pitch = rng.uniform(90, 240)
    voice = rng.uniform(0.9, 1.15)  # the length of a throat moves all resonances
    samples = np.zeros(count)
    for harmonic in range(1, int(3500 / pitch)):
        gain = np.zeros(count)
        for start, end in zip(*WORDS[word]):
            resonance = voice * (start + (end - start) * position)
            gain += 1 / (1 + ((harmonic * pitch - resonance) / 120) ** 2)
        samples += gain * np.sin(2 * np.pi * harmonic * pitch * time)
    noise = rng.normal(0, 0.05 * np.std(samples), count)
    return (rng.uniform(0.1, 0.9) * (samples + noise) / np.abs(samples).max()).astype(np.float32)


def main() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([word for word in WORDS for _ in range(60)])
    clips = [speak(word, rng) for word in labels]
    test = np.arange(len(clips)) % 4 == 0

    model = cr.AudioClassifier(
        sample_rate=RATE, epochs=6, batch_size=16, random_state=0, progress=False
    )
    model.fit([clips[k] for k in np.flatnonzero(~test)], labels[~test])

    unseen = [clips[k] for k in np.flatnonzero(test)]
    print(
        f"accuracy on {len(unseen)} recordings not heard: {model.score(unseen, labels[test]):.4f}"
    )
    print(f"by chance: {1 / len(WORDS):.4f}")
    probability = model.predict_proba(unseen[:1])[0]
    print("the first:", ", ".join(f"{w} {p:.2f}" for w, p in zip(model.classes_, probability)))


if __name__ == "__main__":
    main()
