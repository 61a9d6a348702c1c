"""Classify texts, and see which words decided.

The reviews are put together here from a few parts, with negations that a model of single words gets
wrong. Give a list of your own texts and their classes, or `chainrule train text reviews.csv`.
"""

import itertools

import numpy as np

import chainrule as cr

GOOD, BAD = ("good", "funny", "clever", "moving"), ("bad", "boring", "silly", "dull")
THINGS = ("the plot", "the acting", "the film", "the music", "the ending", "the dialogue")
NOT = ("is not", "was never", "is hardly")
IS = ("is", "was always", "is really")


def reviews() -> tuple[np.ndarray, np.ndarray]:
    """Texts, and whether they praise: a negation turns the meaning of the word after it."""
    texts, praise = [], []
    for thing, word, (verbs, negated) in itertools.product(
        THINGS, GOOD + BAD, ((IS, False), (NOT, True))
    ):
        for verb in verbs:
            texts.append(f"{thing} {verb} {word}")
            praise.append((word in GOOD) != negated)
    return np.array(texts), np.where(praise, "praise", "blame")


def main() -> None:
    texts, labels = reviews()
    test = np.random.default_rng(0).random(len(texts)) < 0.25

    model = cr.TextClassifier(random_state=0, progress=False).fit(texts[~test], labels[~test])

    print(f"accuracy on {test.sum()} texts not seen: {model.score(texts[test], labels[test]):.4f}")
    print(
        f"the commonest class alone: {max(np.mean(labels[test] == c) for c in model.classes_):.4f}"
    )
    parts = model.attribute("the ending is not good", "blame")
    print("what speaks for blame in 'the ending is not good':")
    for word, score in zip(parts.words, parts.scores):
        print(f"  {word:8} {score:+.2f}")


if __name__ == "__main__":
    main()
