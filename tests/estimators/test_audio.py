"""`AudioClassifier` on synthetic tones, on spoken digits if they are there, on what is wrong."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import random
from chainrule.errors import DataError, ModelFileError

pytestmark = pytest.mark.usefixtures("_unoptimised")

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))
RATE = 8000
QUICK = {"sample_rate": RATE, "n_mels": 16, "normalize": "level", "epochs": 12,
         "batch_size": 8, "random_state": 0, "progress": False}  # fmt: skip
RANGES = {"low": (200, 350), "middle": (600, 900), "high": (1500, 2500)}


def tones(count, seed, rate=RATE):
    """Tones of three ranges of pitch, of 0.15 to 0.4 s, some noise, silence at the ends."""
    rng = np.random.default_rng(seed)
    clips, labels = [], []
    for k in range(count):
        label = list(RANGES)[k % 3]
        samples = int(rng.uniform(0.15, 0.4) * rate)
        frequency = rng.uniform(*RANGES[label])
        tone = np.sin(2 * np.pi * frequency * np.arange(samples) / rate + rng.uniform(0, 6))
        silence = np.zeros(rng.integers(0, rate // 5))
        clip = np.concatenate([silence, rng.uniform(0.05, 1) * tone, silence])
        clips.append((clip + 1e-4 * rng.normal(size=len(clip))).astype(np.float32))
        labels.append(label)
    return clips, np.array(labels)


def write(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def model():
    return cr.AudioClassifier(**QUICK).fit(*tones(48, 0))


def test_tones_are_told_apart(model):
    """Held-out clips of any length and loudness."""
    clips, labels = tones(30, 1)
    assert model.score(clips, labels) >= 0.96
    assert model.classes_.tolist() == ["high", "low", "middle"]
    probabilities = model.predict_proba(clips)
    assert (probabilities.shape, probabilities.dtype) == ((30, 3), np.float32)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def recurrent():
    settings = QUICK | {"epochs": 25, "learning_rate": 0.01}
    return cr.AudioClassifier("gru", **settings).fit(*tones(48, 0))


@pytest.fixture(params=["conv", "gru"])
def of_each_kind(request):
    """A model of each encoder."""
    return request.getfixturevalue({"conv": "model", "gru": "recurrent"}[request.param])


def test_recurrent_units_tell_them_apart(recurrent):
    """The other encoder, on the same clips."""
    assert recurrent.encoder == "gru"
    assert recurrent.score(*tones(30, 1)) >= 0.9


def test_loudness_silence_and_rate_do_not_matter(model):
    """A clip ten times quieter, with silence around, or sampled twice as often, says the same."""
    clips, _ = tones(6, 2)
    expected = model.predict_proba(clips)
    quiet = [0.1 * clip for clip in clips]
    np.testing.assert_allclose(model.predict_proba(quiet), expected, atol=1e-4)
    around = [[np.pad(clip, pad) for clip in clips] for pad in ((800, 1600), (2400, 400))]
    some, others = map(model.predict_proba, around)
    np.testing.assert_allclose(some, others, atol=1e-5)
    doubled = [(np.repeat(clip, 2), 2 * RATE) for clip in clips]
    assert (model.predict(doubled) == model.predict(clips)).all()


def test_answers_do_not_depend_on_other_clips(model):
    """One by one or together; a batch's padding changes nothing."""
    clips, _ = tones(7, 3)
    together = model.predict_proba(clips)
    alone = np.concatenate([model.predict_proba([clip]) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "clip", [np.zeros(4000), np.ones(4000), np.full(1, 0.5), np.zeros(1), np.ones(50),
             np.tile([1.0, -1.0], 80_000)],
    ids=["silence", "constant", "one sample", "one zero", "less than a frame", "20 s"],
)  # fmt: skip
def test_odd_clips_have_an_answer(model, clip):
    """Silence, a constant, less than a frame, far too long: probabilities, and no warning."""
    made = model.predict_proba([clip])
    assert np.isfinite(made).all()
    assert abs(made.sum() - 1) < 1e-5


@pytest.mark.parametrize("by_band", [True, False])
def test_features_stop_at_a_clips_end(model, by_band):
    """Padding is neither in the mean nor in the features; the mean is of each band, or of all."""
    rows = model._rows(model._read(tones(6, 4)[0]))
    features, counts = model.module_.features.replace(by_band=by_band)(rows)
    for row, count in zip(features, counts, strict=True):
        np.testing.assert_allclose(row[:count].mean(axis=0 if by_band else None), 0, atol=1e-5)
        assert by_band or np.abs(row[:count].mean(axis=0)).max() > 0.5
        assert (row[count:] == 0).all()
    assert (counts == np.maximum((rows["lengths"] - 200) // 80 + 1, 1)).all()
    changed = model._augment(rows, random.key(0))
    assert {name: a.shape for name, a in changed.items()} == {
        name: a.shape for name, a in rows.items()
    }
    assert (changed["samples"] != rows["samples"]).any()


def test_the_same_seed_gives_the_same_bits(model):
    """Also with another number of threads."""
    again = cr.AudioClassifier(**QUICK, n_threads=1).fit(*tones(48, 0))
    clips, _ = tones(9, 5)
    assert (again.predict_proba(clips) == model.predict_proba(clips)).all()


def test_saved_models_answer_with_the_same_bits(tmp_path, of_each_kind):
    """Settings, rates and lengths come back; saving again gives the same bytes."""
    model = of_each_kind
    model.save(tmp_path / "m.safetensors", card={"data": "tones"})
    again = cr.load(tmp_path / "m.safetensors")
    clips, _ = tones(9, 6)
    assert (again.predict_proba(clips) == model.predict_proba(clips)).all()
    assert (again.sample_rate_, again.samples_) == (model.sample_rate_, model.samples_)
    again.save(tmp_path / "n.safetensors", card={"data": "tones"})
    assert (tmp_path / "n.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


@pytest.mark.parametrize(
    "told",
    [{}, {"rate": 8000}, {"rate": 0, "samples": 900}, {"rate": 8000, "samples": 2**40},
     {"rate": 8000, "samples": 10}, {"rate": "8000", "samples": 900}, {"rate": 8000.0},
     {"rate": 16000, "samples": None}],
)  # fmt: skip
def test_hostile_descriptions_are_refused(model, told):
    """Whatever a file says of rates and lengths is checked before it is used."""
    if told.get("samples", 0) is None:
        told = {**told, "samples": model.samples_ + 1}
    other = cr.AudioClassifier(**QUICK)
    other.row_types_, other.classes_ = model.row_types_, model.classes_
    with pytest.raises(ModelFileError, match="damaged"):
        other.restore_preprocessing(told, None)


def test_onnx_from_samples(of_each_kind):
    """The exported model, features included, in onnxruntime."""
    exported = pytest.importorskip("exported", reason="onnx or onnxruntime is not installed")
    model, (clips, _) = of_each_kind, tones(11, 7)
    rows = model._rows(model._read(clips))
    label, probabilities = exported.run(model.to_onnx(), rows["lengths"], rows["samples"])[:2]
    assert (np.asarray(label) == model.predict(clips)).all()
    np.testing.assert_allclose(probabilities, model.predict_proba(clips), rtol=1e-4, atol=1e-5)


def test_a_folder_of_folders_is_learned(tmp_path):
    """Files of another rate among them; the commonest is the model's; paths are predicted."""
    clips, labels = tones(30, 8)
    for k, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        rate = 2 * RATE if k % 5 == 0 else RATE
        write(tmp_path / label / f"{k}.wav", np.repeat(clip, rate // RATE), rate)
    model = cr.AudioClassifier(**QUICK | {"sample_rate": None, "batch_size": 10}).fit(tmp_path)
    assert model.sample_rate_ == RATE
    assert model.score(tmp_path) >= 0.9
    path = tmp_path / "high" / "2.wav"
    first, second, third = model.predict_proba([path, str(path), (clips[2], RATE)])
    assert (first == second).all()
    np.testing.assert_allclose(third, first, atol=0.02)


@pytest.mark.parametrize("settings", [{"max_seconds": 0.1}, {"sample_rate": 11_025}])
def test_the_shortest_clips_are_learned(settings):
    """Of a sample or a few: they are filled up to what the network halves to one frame."""
    clips = [np.sin(np.arange(1.0 + 7 * k)) for k in range(6)]
    model = cr.AudioClassifier(**QUICK | {"epochs": 1} | settings).fit(clips, list("ababab"))
    rate = model.sample_rate_
    assert 0.09 * rate < model.samples_ <= 0.1 * rate
    assert np.isfinite(model.predict_proba(clips)).all()


def test_wrong_files_are_named(tmp_path):
    """Before the training, and not in its middle."""
    clips, labels = tones(6, 9)
    paths = [write(tmp_path / f"{k}.wav", clip) for k, clip in enumerate(clips)]
    paths[3].write_bytes(paths[3].read_bytes()[:100])
    with pytest.raises(DataError, match=r"3\.wav is damaged"):
        cr.AudioClassifier(**QUICK).fit(paths, labels)
    write(paths[3], [])
    with pytest.raises(DataError, match=r"3\.wav holds no sample"):
        cr.AudioClassifier(**QUICK).fit(paths, labels)


@pytest.mark.parametrize(
    ("settings", "given", "labels", "words"),
    [
        ({}, [np.ones(900)] * 4, ["a"] * 4, "one class only"),
        ({"sample_rate": None}, [np.ones(900)] * 4, list("abab"), "do not tell their sampling"),
        ({}, [np.ones(900)] * 4, list("aba"), "4 inputs and y 3 labels"),
        ({}, [np.ones(900), np.ones(0)], list("ab"), "recording 1 holds no sample"),
        ({}, [np.ones(900)] * 4, None, "give y"),
        (
            {"sample_rate": 1000, "n_mels": 40},
            [np.ones(90)] * 4,
            list("abab"),
            "n_mels=40 are too many bands",
        ),
        ({}, "some/folder", list("ab"), "leave out y"),
        ({}, "some/folder", None, "there is no folder"),
    ],
)
def test_what_cannot_be_learned_is_told(settings, given, labels, words):
    """What was wrong with it, and what to do."""
    with pytest.raises(DataError, match=words):
        cr.AudioClassifier(**QUICK | settings).fit(given, labels)


@pytest.mark.parametrize(
    ("name", "value"),
    [("encoder", "rnn"), ("n_mels", 4), ("n_mels", 10**6), ("sample_rate", 10), ("speed", 1.0),
     ("max_seconds", 11.0), ("max_seconds", 0.05), ("noise", np.inf), ("freq_mask", -1)],
)  # fmt: skip
def test_settings_are_checked(name, value):
    """By name."""
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        cr.AudioClassifier(**QUICK | {name: value}).fit(*tones(6, 0))


def test_spoken_digits():
    """Two digits of six speakers: takes that were not trained on."""
    path = DATA / "speech" / "fsdd.npz"
    if not path.exists():
        pytest.skip(f"no {path}: set CHAINRULE_DATA")
    with np.load(path) as held:
        audio, start, length, label, take = (
            held[name] for name in ("audio", "start", "length", "label", "take")
        )
    chosen = np.flatnonzero(np.isin(label, (2, 6)) & (take < 15))
    clips = [audio[start[k] : start[k] + length[k]] for k in chosen]
    labels, test = label[chosen], take[chosen] < 5
    train = [clip for clip, held in zip(clips, test, strict=True) if not held]
    model = cr.AudioClassifier(**QUICK | {"normalize": "bands"}).fit(train, labels[~test])
    assert model.score([c for c, held in zip(clips, test, strict=True) if held], labels[test]) > 0.9


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**-24, 2.0**15, 2.0**100])
def test_floats_of_any_scale(model, scale):
    """The unit of floats does not matter, in any bit where it is a power of two."""
    clips, _ = tones(6, 2)
    expected = model.predict_proba(clips)
    np.testing.assert_array_equal(
        expected, model.predict_proba([clip * np.float32(scale) for clip in clips])
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_whole_numbers_of_any_width(model, dtype):
    """The same clips as recorded in each of them; also those that fill a part of it."""
    clips, _ = tones(6, 2)
    expected = model.predict_proba(clips)
    half = 2.0 ** (8 * np.dtype(dtype).itemsize - 1)
    offset = half if dtype.startswith("u") else 0
    given = [np.round(clip / 1.01 * (half - 1) + offset).astype(dtype) for clip in clips]
    fine = 0.2 if half < 2**8 else 1e-2  # of a clip at a twentieth, 8 bits leave 13 steps
    np.testing.assert_allclose(expected, model.predict_proba(given), atol=fine)
    if dtype == "int32":
        narrow = [np.round(clip * 32000).astype(np.int32) for clip in clips]
        np.testing.assert_allclose(expected, model.predict_proba(narrow), atol=fine)


def test_wide_whole_numbers_are_refused(model):
    """They were scaled by 2**63, and all of them silence: nothing was learned, and nothing said."""
    clips, labels = tones(6, 2)
    wide = [np.round(clip * 32000).astype(np.int64) for clip in clips]
    for given in (wide, [clip.tolist() for clip in wide]):
        with pytest.raises(
            DataError, match=r"recording 0 is an array of int64.*astype\(np.int16\)"
        ):
            cr.AudioClassifier(**QUICK).fit(given, labels)
        with pytest.raises(DataError, match="recording 0 is an array of int64"):
            model.predict(given)
