"""Model files of earlier versions, whose parameters had other names."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.container import dumps, loads
from chainrule.estimators.serialization.renamed import RENAMED

pytestmark = pytest.mark.usefixtures("_unoptimised")

rng = np.random.default_rng(0)
QUICK = {"epochs": 1, "random_state": 0, "progress": False}
LABELS = ["a", "b"] * 8
TONES = [np.sin(0.1 * (1 + k % 2) * np.arange(1200)) for k in range(16)]
FITTED = {
    "AudioClassifier": lambda: (
        cr.AudioClassifier(sample_rate=8000, n_mels=9, freq_mask=2, time_mask=3, **QUICK), TONES
    ),
    "ImageClassifier": lambda: (
        cr.ImageClassifier(width=1, test_time_augmentation=True, **QUICK), rng.random((16, 6, 6))
    ),
    "TextClassifier": lambda: (
        cr.TextClassifier(min_df=1, max_words=50, bigrams=True, **QUICK),
        [f"{'good' if k % 2 else 'bad'} film {k}" for k in range(16)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RENAMED)
def test_old_names_are_read(name, tmp_path):
    """A file with the old names answers with the same bits, and has the parameters by new names."""
    model, inputs = FITTED[name]()
    model.fit(inputs, LABELS)
    model.save(tmp_path / "new.safetensors")
    description, arrays = loads((tmp_path / "new.safetensors").read_bytes())
    parameters = description["parameters"]
    for old, new in RENAMED[name].items():
        parameters[old] = parameters.pop(new)
    (tmp_path / "old.safetensors").write_bytes(dumps(description, arrays))
    loaded = cr.load(tmp_path / "old.safetensors")
    np.testing.assert_array_equal(model.predict_proba(inputs), loaded.predict_proba(inputs))
    for new in RENAMED[name].values():
        assert getattr(model, new) == getattr(loaded, new)
        assert new in loaded.get_params()
