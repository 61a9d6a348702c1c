"""Recordings from files: what is in them, what is wrong with them, other rates, folders."""

import io
import struct
import tracemalloc
import wave

import numpy as np
import pytest

from chainrule.data.audio import as_recordings, read_audio, resample
from chainrule.data.audio_datasets import audio_files, read_audio_arrays, read_audio_dataset
from chainrule.errors import DataError

RNG = np.random.default_rng(3)


def wav(path, data, width=2, channels=1, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize(("width", "tolerance"), [(1, 2**-7), (2, 2**-15), (3, 2**-23), (4, 1e-7)])
def test_samples_of_all_widths(tmp_path, width, tolerance):
    """The same signal in 8, 16, 24 and 32 bits, as near as the bits are."""
    expected = RNG.uniform(-1, 0.99, 500)
    whole = np.floor(expected * 2 ** (8 * width - 1)).astype(np.int64)
    if width == 1:
        data = (whole + 128).astype(np.uint8).tobytes()
    else:
        wide = whole.astype("<i8").view(np.uint8).reshape(-1, 8)
        data = wide[:, :width].tobytes()
    samples, rate = read_audio(wav(tmp_path / "x.wav", data, width))
    assert (samples.dtype, rate) == (np.float32, 8000)
    np.testing.assert_allclose(samples, expected, atol=tolerance)


def test_channels_are_averaged(tmp_path):
    """Left 0.5 and right -0.25 are 0.125."""
    data = np.tile(np.array([16384, -8192], "<i2"), 10).tobytes()
    samples, _ = read_audio(wav(tmp_path / "x.wav", data, channels=2))
    assert samples.tolist() == [0.125] * 10


@pytest.mark.parametrize("ending", ["flac", "ogg", "wav"])
def test_other_formats_are_read_by_soundfile(tmp_path, ending):
    """FLAC to 16 bits, Ogg about, WAV of floats just so."""
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)).astype(np.float32)
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, tone, 8000, subtype="FLOAT" if ending == "wav" else None)
    samples, rate = read_audio(path)
    assert rate == 8000
    near = {"flac": 2**-15, "ogg": 0.1, "wav": 0.0}[ending]
    np.testing.assert_allclose(samples[: len(tone)], tone, atol=near)


def header(data=b"", claimed=None, channels=1, rate=8000, width=2, kind=1):
    """A WAV file written by hand: its header may say anything."""
    claimed = len(data) if claimed is None else claimed
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * width & 0xFFFFFFFF,
                       channels * width & 0xFFFF, 8 * width)  # fmt: skip
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", claimed) + data
    return b"RIFF" + struct.pack("<I", min(4 + len(body), 2**32 - 1)) + body


WRONG = {
    "empty.wav": b"",
    "text.wav": b"this is no recording at all, whatever its name says",
    "text.txt": b"hello",
    "zero.wav": header(),
    "cut.wav": header(b"\0\0" * 100)[:20],
    "short.wav": header(b"\0\0" * 100)[:-50],
    "huge.wav": header(b"\0\0" * 10, claimed=0x40000000),
    "channels.wav": header(b"\0\0" * 10, channels=0),
    "many.wav": header(b"\0\0" * 10, channels=60000),
    "still.wav": header(b"\0\0" * 10, rate=0),
    "fast.wav": header(b"\0\0" * 10, rate=2**31),
    "riff.wav": b"RIFF\0\0\0\0WAVE",
    "noise.flac": b"fLaC" + bytes(range(256)) * 4,
    "noise.ogg": b"OggS" + bytes(range(256)) * 4,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_names_the_file(tmp_path, name):
    """One line with the file's name; nothing takes memory that the file does not fill."""
    if name.startswith(("text", "noise")):
        pytest.importorskip("soundfile", reason="soundfile is not installed")
    path = tmp_path / name
    path.write_bytes(WRONG[name])
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        read_audio(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 30_000_000  # soundfile's own import among it


def test_damage_anywhere_is_an_error_or_a_recording(tmp_path):
    """Each byte of a header set to other values."""
    good = header(np.arange(200, dtype="<i2").tobytes())
    path = tmp_path / "x.wav"
    read = 0
    for place in range(44):
        for value in (0, 1, 127, 255):
            path.write_bytes(good[:place] + bytes([value]) + good[place + 1 :])
            try:
                samples, _ = read_audio(path)
            except (DataError, ModuleNotFoundError):
                continue
            read += 1
            assert np.isfinite(samples).all()
    assert 20 < read < 120


def test_absent_files_and_folders_are_told(tmp_path):
    """By name."""
    with pytest.raises(DataError, match=r"cannot read .*gone\.wav: No such file"):
        read_audio(tmp_path / "gone.wav")
    with pytest.raises(DataError, match="is a folder"):
        read_audio(tmp_path)


@pytest.mark.parametrize(("rate", "wanted"), [(16000, 8000), (8000, 16000), (44100, 16000)])
def test_a_tone_keeps_its_pitch_at_another_rate(rate, wanted):
    """440 Hz are 440 Hz, away from the ends."""
    tone = np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    expected = np.sin(2 * np.pi * 440 * np.arange(wanted // 2) / wanted)
    found = resample(tone, rate, wanted)
    assert (found.dtype, len(found)) == (np.float32, wanted // 2)
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=0.01)


def test_what_is_above_half_the_rate_is_gone():
    """No aliases: 3 kHz cannot be heard at 4,000 samples a second."""
    tone = np.sin(2 * np.pi * 3000 * np.arange(8000) / 16000)
    assert np.abs(resample(tone, 16000, 4000)[100:-100]).max() < 0.01


def test_arrays_are_recordings():
    """Floats as they are, whole numbers by their range, with a rate or without."""
    whole = np.array([-32768, 0, 16384], np.int16)
    first, second, third = as_recordings([whole, (whole.astype(np.float64), 8000), [0.5, 0.25]])
    assert (first.samples.tolist(), first.rate) == ([-1.0, 0.0, 0.5], None)
    assert (second.samples.tolist(), second.rate) == ([-32768.0, 0.0, 16384.0], 8000)
    assert third.samples.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("x.wav", "is one recording: give a list"),
        (3, "int: give a list"),
        ([np.zeros(3), np.zeros(0)], "recording 1 holds no sample"),
        ([np.zeros((3, 2))], r"recording 0 is an array of float64 of shape \(3, 2\)"),
        ([np.array([0.0, np.nan])], "recording 0 holds samples that are no finite numbers"),
        ([(np.zeros(3), "fast")], r"recording 0 is a tuple: give \(samples, samples a second\)"),
        ([(np.zeros(3), 5)], "recording 0 has 5 samples a second"),
        ([None], "recording 0 is an array of object"),
        ([], "X is empty: there is no recording"),
        (np.zeros(8), r"X has shape \(8,\), as one recording has: give a list"),
        (np.zeros(8, np.int16), r"X has shape \(8,\), as one recording has: give a list"),
        ([[np.zeros(8), 8000]], r"recording 0 holds parts of several lengths: .* a tuple"),
        ([np.zeros(8), np.ma.masked_array(np.zeros(3), [0, 1, 0])], "recording 1 has masked"),
        (np.ma.masked_array(np.zeros((2, 3)), np.eye(2, 3)), "recording 0 has masked samples"),
        ([(np.ma.masked_array(np.zeros(3), [0, 1, 0]), 8000)], "recording 0 has masked samples"),
    ],
)
def test_what_is_no_recording_is_told(given, words):
    """With its place in the list."""
    with pytest.raises(DataError, match=words):
        as_recordings(given)


def test_folders_name_the_classes(tmp_path):
    """Sorted; deeper folders belong to the upper one; other files are passed over."""
    for name in ("yes/a.wav", "yes/more/b.WAV", "no/c.flac", "no/.hidden.wav", "no/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    paths, labels = audio_files(tmp_path)
    assert [path.name for path in paths] == ["c.flac", "a.wav", "b.WAV"]
    assert labels == ["no", "yes", "yes"]
    assert read_audio_dataset(tmp_path).labels == labels


def test_folders_without_recordings_are_told(tmp_path):
    """No folder, no folders in it, nothing in those."""
    with pytest.raises(DataError, match="there is no"):
        read_audio_dataset(tmp_path / "gone")
    with pytest.raises(DataError, match="holds no folders: make one for each class"):
        read_audio_dataset(tmp_path)
    (tmp_path / "yes").mkdir()
    with pytest.raises(DataError, match="hold no recordings"):
        read_audio_dataset(tmp_path)
    (tmp_path / "a.wav").touch()
    with pytest.raises(DataError, match="is one file"):
        read_audio_dataset(tmp_path / "a.wav")


def arrays(**changes):
    good = {
        "audio": np.arange(10, dtype=np.int16), "start": np.array([0, 4]),
        "length": np.array([4, 6]), "label": np.array(["a", "b"]), "sample_rate": 8000,
        "is_test": np.array([False, True]),
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not None}


def test_arrays_in_one_file(tmp_path):
    """Cut out of one row of samples."""
    np.savez(tmp_path / "x.npz", **arrays())
    found = read_audio_dataset(tmp_path / "x.npz")
    assert found.labels == ["a", "b"]
    assert found.is_test.tolist() == [False, True]
    samples, rate = found.recordings[1]
    assert (samples.tolist(), rate) == ([4, 5, 6, 7, 8, 9], 8000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": None}, "has no array 'label'"),
        ({"length": np.array([4, 7])}, "samples that its audio does not hold"),
        ({"start": np.array([-1, 4])}, "samples that its audio does not hold"),
        ({"start": np.array([0.5, 4])}, "are whole numbers"),
        ({"label": np.array(["a"])}, "one entry for each recording"),
        ({"audio": np.zeros((2, 5))}, "audio is one row"),
        ({"is_test": np.array([0, 1])}, "is_test is true or false"),
        ({"label": np.array([None, {}])}, "cannot read"),
    ],
)
def test_wrong_arrays_are_told(tmp_path, changes, words):
    """Nothing is unpickled, and each array is looked at."""
    np.savez(tmp_path / "x.npz", **arrays(**changes))
    with pytest.raises(DataError, match=words):
        read_audio_arrays(tmp_path / "x.npz")


def test_a_file_that_is_no_npz_is_told(tmp_path):
    """Whatever it is called."""
    path = tmp_path / "x.npz"
    buffer = io.BytesIO()
    np.savez(buffer, **arrays())
    for content in (b"", b"no archive", buffer.getvalue()[:300]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot read"):
            read_audio_arrays(path)


SAMPLES = np.array([0, 1000, -2000, 30000, -32768], "<i2")
UNKNOWN = {
    "ffmpeg": (0xFFFFFFFF, 0xFFFFFFFF),
    "sox": (0x7FFFF024, 0x7FFFF000),
    "nothing yet": (0, 0),
    "no samples yet": (36, 0),
    "a mixture": (0xFFFFFFFF, 0),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("extra", [b"", b"\0"])
@pytest.mark.parametrize("before", [b"", b"LIST\x05\0\0\0INFO!\0"])
def test_streams_of_unknown_length(tmp_path, name, extra, before):
    """What was written to a pipe goes on to the end of the file; half a sample at it is none."""
    riff, length = UNKNOWN[name]
    data = header(SAMPLES.tobytes(), claimed=length)
    riff += len(before) if name == "no samples yet" else 0
    data = data[:4] + struct.pack("<I", riff) + data[8:36] + before + data[36:] + extra
    (tmp_path / "x.wav").write_bytes(data)
    samples, rate = read_audio(tmp_path / "x.wav")
    assert rate == 8000
    assert samples.tolist() == (SAMPLES / 32768).tolist()


def test_no_samples_are_no_stream(tmp_path):
    """A header that says 0 in a file that is as long as it says; and one cut short by copying."""
    whole = header(b"") + b"LIST\x04\0\0\0INFO"
    (tmp_path / "x.wav").write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])
    with pytest.raises(DataError, match="holds no sample"):
        read_audio(tmp_path / "x.wav")
    (tmp_path / "x.wav").write_bytes(header(SAMPLES.tobytes(), claimed=12))
    with pytest.raises(DataError, match="tells of 6 samples, and the file ends after 5"):
        read_audio(tmp_path / "x.wav")


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_longer_format(tmp_path, width):
    """WAVE_FORMAT_EXTENSIBLE of whole numbers, as many recorders write it, with two channels."""
    form = struct.pack("<HHIIHH", 0xFFFE, 2, 8000, 16000 * width, 2 * width, 8 * width)
    form += struct.pack("<HHIH", 22, 8 * width, 3, 1) + bytes(14)
    zero = bytes([128]) if width == 1 else bytes(width)
    half = bytes(width - 1) + (b"\xc0" if width == 1 else b"\x40")
    data = (zero + half) * 7
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    (tmp_path / "x.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    samples, _ = read_audio(tmp_path / "x.wav")
    assert samples.tolist() == [0.25] * 7


DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float16", "float32", "float64",
          "longdouble")  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_of_all_dtypes(dtype, order):
    """Whole numbers go from the least to the greatest of their type, floats stay as they are."""
    kind = np.dtype(dtype).newbyteorder(order)
    wanted = np.array([0.0, 0.5, -0.5, 0.25, -1.0])
    if kind.kind == "f":
        given = wanted.astype(kind)
    else:
        half = 2.0 ** (8 * kind.itemsize - 1)
        given = (wanted * half + (half if kind.kind == "u" else 0)).astype(kind)
    [sound] = as_recordings([(given, 8000)])
    assert sound.samples.dtype == np.float32
    assert wanted.tolist() == sound.samples.tolist()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (np.array([0, 100, -128]), "int64 .*astype\\(np.int8\\)"),
        (np.array([0, 1000, -32768]), "astype\\(np.int16\\)"),
        ([0, 1000, -32768], "int64 \\(as lists of whole numbers are\\).*astype\\(np.int16\\)"),
        (np.array([0, 2**20], np.uint64), "uint64.*astype\\(np.int32\\)"),
        (np.array([0, -(2**63)]), "float32 from -1 to 1"),
        (np.array([True, False]), "array of bool"),
        (np.array([1j]), "array of complex128"),
        (np.array(["1"]), "array of <U1"),
        (np.array([1e300]), "no finite numbers in float32"),
    ],
)
def test_samples_of_no_known_loudness(given, told):
    """64 bits are nobody's recording: the scale of their type makes silence of it."""
    with pytest.raises(DataError, match=f"recording 1.*{told}"):
        as_recordings([np.zeros(4, np.float32), given])
