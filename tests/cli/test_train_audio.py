"""`train audio` and `listen`: from recordings to answers, exit codes, files that are wrong."""

import json
import wave

import numpy as np
import pytest

import chainrule

pytestmark = pytest.mark.usefixtures("_unoptimised")

RANGES = {"low": (200, 350), "high": (1200, 2000)}
QUICK = ("--epochs", "6", "--batch-size", "8", "--n-mels", "16", "--normalize", "level")


def write(path, samples, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())


def recordings(folder, count=30, seed=0):
    """A folder of tones of two ranges of pitch."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        name = ("low", "high")[k % 2]
        samples = rng.integers(1200, 2000)
        tone = np.sin(2 * np.pi * rng.uniform(*RANGES[name]) * np.arange(samples) / 8000)
        write(folder / name / f"{k}.wav", rng.uniform(0.1, 0.9) * tone)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model file of tones."""
    folder = tmp_path_factory.mktemp("audio")
    place = folder / "tones.safetensors"
    made = chainrule.AudioClassifier(
        epochs=10, batch_size=8, n_mels=16, normalize="level", random_state=0, progress=False
    ).fit(recordings(folder / "tones"))
    made.save(place)
    return place


def test_from_a_folder_to_a_model_that_listens(run, tmp_path):
    """Train, test, save, listen; and the report."""
    recordings(tmp_path / "tones")
    code, out, err = run("train", "audio", "tones", *QUICK, "--report")
    assert (code, err) == (0, "")
    for words in ("tones: 2 classes of recordings", "24 to train on, 6 to test on", "6 epochs in",
                  "the commonest class", "chainrule listen tones.safetensors"):  # fmt: skip
        assert words in out.replace(" \n", " ")
    assert "recordings to test on" in (tmp_path / "tones.html").read_text()
    card = chainrule.load("tones.safetensors").card_
    assert (card["train_rows"], card["test_rows"], card["metric"]) == (24, 6, "accuracy")
    assert card["command"].startswith("chainrule train audio tones --encoder conv --epochs 6")
    code, out, err = run("listen", "tones.safetensors", "tones/low/0.wav", "tones/high/1.wav")
    assert (code, err) == (0, "")
    assert "tones/high/1.wav" in out
    code, out, err = run("predict", "tones.safetensors", "tones/low/0.wav")
    assert (code, err) == (0, "")
    assert out.startswith("file,class,probability\ntones/low/0.wav,")


def test_arrays_with_a_test_of_their_own(run, tmp_path):
    """An NPZ that tells what to test on; the accuracy alone."""
    rng = np.random.default_rng(1)
    labels = np.array(["low", "high"] * 12)
    tones = [np.sin(2 * np.pi * rng.uniform(*RANGES[each]) * np.arange(1500) / 8000)
             for each in labels]  # fmt: skip
    np.savez(
        tmp_path / "tones.npz", audio=(np.concatenate(tones) * 30000).astype(np.int16),
        start=np.arange(24) * 1500, length=np.full(24, 1500), label=labels, sample_rate=8000,
        is_test=np.arange(24) < 8,
    )  # fmt: skip
    code, out, err = run("train", "audio", "tones.npz", *QUICK, "-q", "-o", "m.safetensors")
    assert (code, err) == (0, "")
    assert float(out) * 8 == round(float(out) * 8)
    card = chainrule.load("m.safetensors").card_
    assert card["test_rows"] == 8
    code, out, err = run("evaluate", "m.safetensors", "tones.npz", "--json")
    told = json.loads(out)
    assert (code, err, told["rows"]) == (0, "", 8)
    assert told["scores"]["accuracy"] == card["score"]
    code, out, err = run("evaluate", "m.safetensors", "tones.npz", "--target", "label")
    assert (code, out) == (2, "") and "leave it out" in err


def test_listening_tells_the_command(run, model, tmp_path):
    """The likeliest, or several, as a table or as JSON."""
    tone = 0.5 * np.sin(2 * np.pi * 1600 * np.arange(3200) / 16000)
    write(tmp_path / "a.wav", tone, 16000)
    code, out, err = run("listen", model, "a.wav")
    assert (code, err) == (0, "")
    header, line = out.splitlines()
    assert header.split() == ["file", "command", "probability"]
    assert line.split()[:2] == ["a.wav", "high"]
    assert 0.5 < float(line.split()[2]) <= 1
    code, out, err = run("listen", model, "a.wav", "--top", "2", "--json")
    [told] = json.loads(out)
    assert told["file"] == "a.wav"
    assert [each["command"] for each in told["commands"]] == ["high", "low"]
    assert abs(sum(each["probability"] for each in told["commands"]) - 1) < 2e-4


def test_wrong_files_are_named_and_the_others_are_heard(run, model, tmp_path):
    """Exit code 2, a line of error for each, answers for the rest."""
    write(tmp_path / "good.wav", 0.5 * np.sin(2 * np.pi * 300 * np.arange(1600) / 8000))
    write(tmp_path / "empty.wav", [])
    (tmp_path / "cut.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:500])
    code, out, err = run("listen", model, "empty.wav", "good.wav", "cut.wav", "gone.wav")
    assert code == 2
    assert out.splitlines()[1].split()[:2] == ["good.wav", "low"]
    told = err.splitlines()
    assert len(told) == 3
    for line, words in zip(told, ("empty.wav holds no sample", "cut.wav is damaged",
                                  "cannot read gone.wav"), strict=True):  # fmt: skip
        assert words in line
    code, out, err = run("listen", model, "gone.wav")
    assert (code, out) == (2, "")


def test_one_class_only(run, tmp_path):
    """There is nothing to tell apart."""
    write(tmp_path / "tones" / "low" / "1.wav", np.zeros(800))
    code, out, err = run("train", "audio", "tones")
    assert (code, out) == (2, "")
    assert "holds one class only" in err


def test_a_damaged_file_ends_the_command_before_the_training(run, tmp_path):
    """Its name is told, nothing is saved."""
    folder = recordings(tmp_path / "tones", 12)
    (folder / "low" / "4.wav").write_bytes(b"RIFF????WAVEfmt ")
    code, out, err = run("train", "audio", "tones", "--epochs", "1")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "4.wav is a damaged WAV file" in err
    assert not (tmp_path / "tones.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("gone",), "there is no gone"),
        (("tones", "--encoder", "rnn"), "--encoder rnn: give conv or gru"),
        (("tones", "--learning-rate", "0"), "--learning-rate 0"),
        (("tones", "--test-fraction", "1"), "--test-fraction 1"),
        (("tones",), "too few to test on"),
    ],
)
def test_mistakes_take_one_line(run, tmp_path, words, told):
    """And exit code 2."""
    recordings(tmp_path / "tones", 2)
    code, out, err = run("train", "audio", *words)
    assert (code, out) == (2, "")
    assert told in err.replace("\n", " ")


def test_a_model_of_tables_does_not_listen(run, trained, tmp_path):
    """It says what does."""
    code, out, err = run("listen", trained / "iris.safetensors", "a.wav")
    assert (code, out) == (2, "")
    assert "does not listen: give a model of chainrule train audio" in err
