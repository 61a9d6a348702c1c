"""The public functions of the modules, and why some of them have no form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

# Of these every function has a form or a reason; of the others those that have a rule
WHOLE = (
    "numpy", "numpy.linalg", "numpy.fft", "numpy.polynomial.polynomial",
    "numpy.polynomial.chebyshev", "numpy.polynomial.legendre", "numpy.polynomial.hermite",
    "numpy.polynomial.hermite_e", "numpy.polynomial.laguerre", "math", "scipy.special",
    "scipy.linalg", "scipy.fft", "scipy.fftpack", "cmath", "numpy.emath",
)  # fmt: skip

FILES = "reads or writes files or memory"
SETTINGS = "sets or shows how the library works"
TEXT = "gives text, or takes it"
DATES = "counts days"
DTYPES = "is about dtypes alone"
CONSTANTS = "gives constants for whole numbers"
ALIASES = "another name of a function in the table"
WITHOUT_FORM: dict[str, dict[str, str]] = {
    "numpy": {
        FILES: """load loadtxt genfromtxt fromfile fromregex fromstring frombuffer from_dlpack save
                  savetxt savez savez_compressed""",
        SETTINGS: """get_include get_printoptions getbufsize geterr geterrcall info printoptions
                     set_printoptions setbufsize seterr seterrcall show_config show_runtime test""",
        TEXT: "base_repr binary_repr format_float_positional format_float_scientific typename",
        DATES: "busday_count busday_offset datetime_as_string datetime_data is_busday",
        DTYPES: "isdtype issubdtype mintypecode",
    },
    "scipy.special": {
        SETTINGS: "geterr seterr",
        CONSTANTS: """ai_zeros bei_zeros beip_zeros ber_zeros berp_zeros bi_zeros erf_zeros
            fresnel_zeros fresnelc_zeros fresnels_zeros jn_zeros jnjnp_zeros jnp_zeros jnyn_zeros
            kei_zeros keip_zeros kelvin_zeros ker_zeros kerp_zeros y0_zeros y1_zeros y1p_zeros
            yn_zeros ynp_zeros""",
        ALIASES: """p_roots t_roots u_roots c_roots s_roots j_roots l_roots la_roots h_roots
            he_roots cg_roots ps_roots ts_roots us_roots js_roots""",
    },
    "scipy.linalg": {
        SETTINGS: "find_best_blas_type get_blas_funcs get_lapack_funcs",
    },
    "scipy.fft": {
        SETTINGS: """get_workers register_backend set_backend set_global_backend set_workers
                     skip_backend""",
    },
}
# Functions whose results hold no number of an argument: in their forms it stands around them
AROUND: dict[str, str] = {
    "numpy": """zeros zeros_like ones ones_like empty empty_like eye identity tri indices bartlett
        blackman hamming hanning broadcast_shapes diag_indices diag_indices_from tril_indices
        triu_indices tril_indices_from triu_indices_from mask_indices iterable shape size ndim
        isscalar result_type common_type can_cast promote_types min_scalar_type may_share_memory
        shares_memory isfortran array_repr array_str array2string einsum_path iscomplexobj isrealobj
        isnat""",
    "numpy.fft": "fftfreq rfftfreq",
    "math": "isfinite isinf isnan isclose comb perm gcd lcm isqrt factorial floor ceil trunc",
    "cmath": "isfinite isinf isnan isclose",
    "scipy.fftpack": "fftfreq rfftfreq next_fast_len",
    "scipy.fft": "fftfreq rfftfreq next_fast_len prev_fast_len fhtoffset",
    "scipy.linalg": """dft hilbert invhilbert pascal invpascal hadamard helmert bandwidth
        issymmetric ishermitian""",
    "scipy.special": """factorial2 factorialk stirling2 bernoulli euler roots_legendre roots_chebyt
        roots_chebyu roots_chebyc roots_chebys roots_laguerre roots_hermite roots_hermitenorm
        roots_sh_legendre roots_sh_chebyt roots_sh_chebyu""",
    "scipy.integrate": "newton_cotes",
    "scipy.signal": """savgol_coeffs unit_impulse argrelmax argrelmin argrelextrema find_peaks_cwt
        check_COLA""",
    "scipy.optimize": "linear_sum_assignment",
    "scipy.spatial": "Delaunay",
    "numpy.polynomial.chebyshev": "chebgauss chebpts1 chebpts2",
    "numpy.polynomial.legendre": "leggauss",
    "numpy.polynomial.hermite": "hermgauss",
    "numpy.polynomial.hermite_e": "hermegauss",
    "numpy.polynomial.laguerre": "laggauss",
}  # fmt: skip


def public_functions(module: str) -> set[str]:
    """The names of what can be called in a module, without classes."""
    owner = np.emath if module == "numpy.emath" else import_module(module)
    names: Iterable[str] = getattr(owner, "__all__", None) or dir(owner)
    if module == "numpy":
        names = dir(np)
    return {name for name in names if _is_function(owner, name)}


def _is_function(owner: ModuleType, name: str) -> bool:
    member: Any = getattr(owner, name, None)
    if name.startswith("_") or not callable(member) or isinstance(member, (type, ModuleType)):
        return False
    return owner is math or not name.endswith("Error")


def reasons(module: str) -> dict[str, str]:
    """Why a function has no form, by its name."""
    return {
        name: reason
        for reason, names in WITHOUT_FORM.get(module, {}).items()
        for name in names.split()
    }


def is_counted(module: str, function: str) -> bool:
    """Whether a row is a function of numbers: no method, class, statement or maker of constants."""
    if module in WHOLE and function not in public_functions(module):
        return False
    return module != "Python" and function not in AROUND.get(module, "").split()
