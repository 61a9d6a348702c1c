"""Image registration, colours and acoustics: imreg_dft, imreg, colorspacious and acousticspy."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("imreg_dft", "imreg", "colorspacious", "acousticspy")

import acousticspy  # noqa: E402
import colorspacious  # noqa: E402
import imreg  # noqa: E402
import imreg_dft  # noqa: E402

ROWS, COLUMNS = np.mgrid[0:10, 0:12] / 4.0
PICTURE = np.sin(ROWS * 1.3) + np.cos(COLUMNS * 0.9 + 0.4 * ROWS) + 2.0


def aligned(angle: Any, shift: Any) -> Any:
    """imreg_dft.transform_img: a picture turned and shifted, against itself."""
    moved = imreg_dft.transform_img(PICTURE, angle=angle, tvec=shift, bgval=1.0, order=3)
    return np.mean((moved - PICTURE) ** 2)


def correlated(picture: Any) -> Any:
    """imreg_dft.translation: where the phases agree to a part of a pixel, and how well."""
    result = imreg_dft.translation(PICTURE, picture)
    return result["tvec"], result["success"]


def logpolar(picture: Any) -> Any:
    """imreg.logpolar of a filtered spectrum, as imreg.similarity takes it."""
    spectrum = np.fft.fftshift(abs(np.fft.fft2(picture)))
    return imreg.logpolar(spectrum * imreg.highpass(spectrum.shape))[0]


def uniform(colour: Any) -> Any:
    """colorspacious.cspace_convert: sRGB as CAM02-UCS, and as JCh."""
    ucs = colorspacious.cspace_convert(colour, "sRGB1", "CAM02-UCS")
    return ucs, colorspacious.cspace_convert(colour, "sRGB255", "CIELab")


def difference(first: Any, second: Any) -> Any:
    """colorspacious.deltaE: how different two colours look."""
    return colorspacious.deltaE(first, second, input_space="sRGB1")


def absorbed(frequency: Any, pressure: Any, temperature: Any, humidity: Any) -> Any:
    """acousticspy.get_alpha: the absorption of sound by air."""
    return acousticspy.get_alpha(frequency, pressure, temperature, humidity)


def array_field(positions: Any, strengths: Any, phases: Any) -> Any:
    """acousticspy.pressure_field: monopoles add up at microphones."""
    microphones = np.array([[2.0, 0.5, 0.1], [1.0, -1.5, 0.4]])
    field = acousticspy.pressure_field(
        positions, 500.0, field_points=microphones, strengths=strengths, phases=phases
    )
    return np.abs(field), field.real


def loudness(waveform: Any) -> Any:
    """acousticspy.get_fft and get_oaspl: the spectrum and the level of a recording."""
    spectrum, _ = acousticspy.get_fft(waveform, 8.0)
    return abs(spectrum), acousticspy.get_oaspl(waveform)


def piston(radius: Any, frequency: Any) -> Any:
    """acousticspy.baffled_circular_piston_directivity, over an arc."""
    return acousticspy.baffled_circular_piston_directivity(
        radius, frequency, np.linspace(0.1, 1.2, 4)
    )


COLOUR = np.array([[0.8, 0.3, 0.2], [0.1, 0.5, 0.9]])
SOURCES = np.array([[0.0, 0.1, 0.0], [0.0, -0.1, 0.0], [0.1, 0.0, 0.2]])
PROGRAMS = [
    Program("imreg-dft-transform", aligned, (4.0, np.array([0.6, -0.3]))),
    Program(
        "imreg-dft-translation",
        correlated,
        (np.roll(PICTURE, 1, 1) * 0.9 + 0.05,),
        twice=False,
    ),
    Program("imreg-logpolar", logpolar, (PICTURE,), twice=False),
    Program("colorspacious-convert", uniform, (COLOUR,)),
    Program(
        "colorspacious-difference",
        difference,
        (COLOUR, COLOUR[::-1].copy() * 0.9),
    ),
    Program("acousticspy-absorption", absorbed, (1000.0, 1.0, 20.0, 40.0)),
    Program(
        "acousticspy-field",
        array_field,
        (SOURCES, np.array([0.01, 0.02, 0.015]), np.array([0.0, 0.4, 0.9])),
    ),
    Program(
        "acousticspy-spectrum", loudness, (np.array([0.1, 0.6, -0.3, 0.2, 0.9, -0.5, 0.0, 0.3]),)
    ),
    Program("acousticspy-piston", piston, (0.1, 2000.0)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
