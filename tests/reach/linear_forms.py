"""Forms of `numpy.linalg`, `scipy.linalg` and the transforms of Fourier, some of them borrowed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from forms import Form, borrowed, with_names, written

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("trace", "scipy_rules")]

import linalg_cases
import numpy as np
import scipy_linalg_cases
from scipy import linalg

# Whose titles in the tables do not begin with the name
TITLES = {"thin": "svd", "full": "svd", "singular": "svd", "upper": "cholesky", "r": "qr",
          "complete": "qr", "economic": "qr", "pivoted": "qr", "gelsy": "lstsq",
          "symmetric": "toeplitz", "lstsq's": "lstsq"}  # fmt: skip
NUMPY_LINALG = {
    "eig": "np.linalg.eig(P)[0]\nnp.linalg.eig(S.astype(complex))[0]",
    "eigvals": "np.linalg.eigvals(P)\nnp.sum(np.linalg.eigvals(S.astype(complex)))",
    "eigh": "np.linalg.eigh(P)\nnp.linalg.eigh(P)[1][:, 0] ** 2",
    "matrix_rank": "np.linalg.matrix_rank(A)",
    "solve": "np.linalg.solve(S, B)\nnp.linalg.solve(M, T)\nnp.linalg.solve(S + 1j * T, v4)",
    "inv": "np.linalg.inv(S + 1j * T)",
    "det": "np.linalg.det(S + 1j * T)",
    "cholesky": "np.linalg.cholesky(P)",
    "svd": "np.linalg.svd(A, full_matrices=False)\nnp.linalg.svd(A, compute_uv=False)",
    "norm": "np.linalg.norm(z)\nnp.linalg.norm(x)\nnp.linalg.norm(A, axis=1)",
    "multi_dot": "np.linalg.multi_dot([A, B, A])",
}
SCIPY_LINALG = {
    "convolution_matrix": "linalg.convolution_matrix(w3, 4)",
    "matmul_toeplitz": "linalg.matmul_toeplitz(v4, B)",
    "solve_circulant": "linalg.solve_circulant(v4 + np.array([6.0, 0, 0, 0]), p4)",
    "fractional_matrix_power": "linalg.fractional_matrix_power(P, 0.3)",
    "funm": "linalg.funm(P, np.exp)",
    "signm": "linalg.signm(S)",
    "schur": "linalg.schur(P)[0]",
    "hessenberg": "linalg.hessenberg(S)",
    "ldl": "linalg.ldl(P)[1]",
    "rq": "linalg.rq(S)",
    "qz": "linalg.qz(S, T)[0]",
    "ordqz": "linalg.ordqz(S, T)[0]",
    "null_space": "linalg.null_space(A)",
    "orth": "linalg.orth(B)",
    "subspace_angles": "linalg.subspace_angles(B, B[::-1] ** 2)",
    "leslie": "linalg.leslie(p4, w3)",
    "fiedler": "linalg.fiedler(v4)",
    "fiedler_companion": "linalg.fiedler_companion(p4)",
    "dft": "linalg.dft(4) @ v4",
    "hilbert": "linalg.hilbert(4) @ v4",
    "invhilbert": "linalg.invhilbert(4) @ v4",
    "pascal": "linalg.pascal(4) @ v4",
    "invpascal": "linalg.invpascal(4) @ v4",
    "hadamard": "linalg.hadamard(4) @ v4",
    "helmert": "linalg.helmert(4) @ v4",
    "diagsvd": "linalg.diagsvd(v3, 3, 4)",
    "cdf2rdf": "linalg.cdf2rdf(*np.linalg.eig(P))[0]",
    "rsf2csf": "linalg.rsf2csf(P, P)[0]",
    "cholesky_banded": "linalg.cholesky_banded(np.stack([v4 * 0.1, p4 + 1.0]))",
    "cho_solve_banded": "linalg.cho_solve_banded((np.stack([0.1 * p4, p4 + 1.0]), False), v4)",
    "eig_banded": "linalg.eig_banded(np.stack([v4 * 0.1, p4]))[0]",
    "eigvals_banded": "linalg.eigvals_banded(np.stack([v4 * 0.1, p4]))",
    "eigh_tridiagonal": "linalg.eigh_tridiagonal(v4, w3)[0]",
    "eigvalsh_tridiagonal": "linalg.eigvalsh_tridiagonal(v4, w3)",
    "expm_cond": "linalg.expm_cond(S)",
    "qr_multiply": "linalg.qr_multiply(S, v4)[0]",
    "qr_insert": "linalg.qr_insert(*linalg.qr(S), v4, 1)[1]",
    "qr_delete": "linalg.qr_delete(*linalg.qr(S), 1)[1]",
    "qr_update": "linalg.qr_update(*linalg.qr(S), v4, p4)[1]",
    "matrix_balance": "linalg.matrix_balance(S)[0]",
    "cossin": "linalg.cossin(np.linalg.qr(S)[0], p=2, q=2)[1]",
    "clarkson_woodruff_transform": "linalg.clarkson_woodruff_transform(A, 2, 3)",
    "bandwidth": "linalg.bandwidth(S)",
    "issymmetric": "linalg.issymmetric(P)",
    "ishermitian": "linalg.ishermitian(P)",
    "eig": "linalg.eig(P)[0]",
    "eigvals": "linalg.eigvals(P)",
    "solve_lyapunov": "linalg.solve_lyapunov(S, P)",
    "solve": "linalg.solve(S, B)\nlinalg.solve(P, v4, assume_a='pos')",
    "expm": "linalg.expm(0.3 * S)",
}
ALONG_ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
ALONG_SEVERAL = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]
WAVES = ["dct", "dst", "idct", "idst"]


FFTPACK = {
    **{name: f"fftpack.{name}(z8)\nfftpack.{name}(x8, 5)" for name in ("fft", "ifft")},
    **{name: f"fftpack.{name}(Z)\nfftpack.{name}(A, (2, 6))"
       for name in ("fft2", "ifft2", "fftn", "ifftn")},
    **{name: f"fftpack.{name}(x8)\nfftpack.{name}(x)\nfftpack.{name}(A, axis=0)"
       for name in ("rfft", "irfft")},
    **{name: f"fftpack.{name}(x8)\nfftpack.{name}(x8, 3)\nfftpack.{name}(A, norm='ortho')"
       for name in WAVES},
    **{f"{name}n": f"fftpack.{name}n(A)" for name in WAVES},
    **{name: f"fftpack.{name}(x8)" for name in ("diff", "hilbert", "ihilbert", "fftshift",
                                                "ifftshift")},
    **{name: f"fftpack.{name}(x8, 0.7)" for name in ("tilbert", "itilbert", "shift")},
    **{name: f"fftpack.{name}(x8, 0.7, 0.9)"
       for name in ("cs_diff", "sc_diff", "ss_diff", "cc_diff")},
    "fftfreq": "fftpack.fftfreq(5) * x",
    "rfftfreq": "fftpack.rfftfreq(5) * x",
    "next_fast_len": "fftpack.next_fast_len(13) * x",
}  # fmt: skip


def _transforms(module: str, prefix: str) -> list[Form]:
    """The transforms that `numpy.fft` and `scipy.fft` both have."""
    made = []
    for name in ALONG_ONE + ALONG_SEVERAL:
        real = name.startswith(("rfft", "ihfft"))
        vector, matrix = ("x8", "A") if real else ("z8", "Z")
        lines = [f"{prefix}.{name}({matrix})"]
        if name in ALONG_ONE:
            lines = [f"{prefix}.{name}({v}{options})" for v, options in (
                (vector, ""), (vector, ", n=5"), (vector, ", 12, norm='ortho'"),
                (matrix, ", axis=0, norm='forward'"))]  # fmt: skip
            lines += [] if real else [f"{prefix}.{name}(x8)"]
        else:
            size = "s=(2, 6)" if name[-1] == "2" else "s=(2, 6), axes=(0, 1), norm='ortho'"
            lines.append(f"{prefix}.{name}({matrix}, {size})")
        made += written(module, {name: "\n".join(lines)})
    shifts = f"{prefix}.*(x8)\n{prefix}.*(Z, axes=1)"
    made += with_names(module, shifts, ["fftshift", "ifftshift"])
    return made + with_names(module, f"{prefix}.*(5) * x", ["fftfreq"])


def forms() -> list[Form]:
    """All of them."""
    made = _transforms("numpy.fft", "np.fft")
    made += with_names("numpy.fft", "np.fft.*(8) * x", ["rfftfreq"])
    made += _transforms("scipy.fft", "fft")
    made += with_names("scipy.fft", "fft.*(8) * x", ["rfftfreq"])
    made += with_names(
        "scipy.fft",
        "\n".join(f"fft.*(x8, type={kind})" for kind in (1, 2, 3, 4))
        + "\nfft.*(A, n=5, norm='ortho')\nfft.*(A, axis=0)",
        WAVES,
    )
    made += with_names("scipy.fft", "fft.*(A)\nfft.*(A, type=3, norm='ortho')",
                       [f"{name}n" for name in WAVES])  # fmt: skip
    made += with_names("scipy.fft", "fft.*(Z)", ["hfft2", "hfftn"])
    made += with_names("scipy.fft", "fft.*(A)", ["ihfft2", "ihfftn"])
    made += with_names("scipy.fft", "fft.*(x8, 0.1, 0.5)", ["fht", "ifht"])
    made += written("scipy.fft", {
        "next_fast_len": "fft.next_fast_len(13) * x", "prev_fast_len": "fft.prev_fast_len(13) * x",
        "fhtoffset": "fft.fhtoffset(0.1, 0.5) * x",
    })  # fmt: skip
    made += written("scipy.fftpack", FFTPACK)
    made += written("numpy.linalg", NUMPY_LINALG, slope=1e-5)
    tables: dict[str, tuple[Any, Any]] = {**linalg_cases.SMOOTH, **linalg_cases.EAGER}
    made += borrowed("numpy.linalg", tables, np.linalg, TITLES, slope=1e-5, rtol=1e-9)
    made += written("scipy.linalg", SCIPY_LINALG, slope=1e-5)
    made += borrowed("scipy.linalg", scipy_linalg_cases.CASES, linalg, TITLES, slope=1e-5,
                     rtol=1e-9)  # fmt: skip
    return made
