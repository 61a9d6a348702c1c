"""Names in model files that have changed since: by class, the old name of a parameter and the new.

Files are written with the new names; those of earlier versions are read by this table.
"""

from __future__ import annotations

from typing import Any

RENAMED: dict[str, dict[str, str]] = {
    "AudioClassifier": {"hide_bands": "freq_mask", "hide_times": "time_mask", "mels": "n_mels"},
    "ImageClassifier": {"test_time_averaging": "test_time_augmentation"},
    "TextClassifier": {
        "min_count": "min_df", "pairs": "bigrams", "vocabulary": "max_words",
    },
}  # fmt: skip


def with_new_names(class_name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a model file by the names that they have now.

    Examples
    --------
    >>> with_new_names("AudioClassifier", {"mels": 16, "encoder": "gru"})
    {'n_mels': 16, 'encoder': 'gru'}
    """
    renamed = RENAMED.get(class_name, {})
    return {renamed.get(name, name): value for name, value in parameters.items()}
