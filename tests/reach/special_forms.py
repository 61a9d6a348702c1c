"""Forms of `scipy.special` and of the distributions in `scipy.stats`; domains are their tests'."""

# ruff: noqa: E501 (forms are one line each)
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from forms import Form, with_names, written

sys.path.append(str(Path(__file__).parents[1] / "scipy_rules"))

import numpy as np
import scipy.special
import scipy.stats
import test_special
import test_special_functions
import test_stats_distributions
import test_stats_samples

COMPLEX = ["gamma", "loggamma", "erf", "wofz"]
NOT_UFUNCS = {
    "lpmv": "special.lpmv(-1, 1, u)\nspecial.lpmv(-2, 2, u)\nspecial.lpmv(0, 0, u)",
    "legendre_p": "special.legendre_p(2, u)",
    "legendre_p_all": "special.legendre_p_all(2, u)",
    "assoc_legendre_p": "special.assoc_legendre_p(2, 1, u)",
    "assoc_legendre_p_all": "special.assoc_legendre_p_all(2, 1, u)",
    "sph_legendre_p": "special.sph_legendre_p(2, 1, u)",
    "sph_legendre_p_all": "special.sph_legendre_p_all(2, 1, u)",
    "sph_harm_y_all": "special.sph_harm_y_all(2, 1, s, c)",
    "legendre": "special.legendre(3)(u)",
    "chebyt": "special.chebyt(3)(u)",
    "chebyu": "special.chebyu(3)(u)",
    "chebyc": "special.chebyc(3)(u)",
    "chebys": "special.chebys(3)(u)",
    "jacobi": "special.jacobi(3, 0.5, 1.0)(u)",
    "laguerre": "special.laguerre(3)(u)",
    "genlaguerre": "special.genlaguerre(3, 0.5)(u)",
    "hermite": "special.hermite(3)(u)",
    "hermitenorm": "special.hermitenorm(3)(u)",
    "gegenbauer": "special.gegenbauer(3, 0.5)(u)",
    "sh_legendre": "special.sh_legendre(3)(u)",
    "sh_chebyt": "special.sh_chebyt(3)(u)",
    "sh_chebyu": "special.sh_chebyu(3)(u)",
    "sh_jacobi": "special.sh_jacobi(3, 2.5, 1.0)(u)",
    "digamma": "special.digamma(p)",
    "jn": "special.jn(2, p)",
    "hankel1": "np.real(special.hankel1(1, p))",
    "hankel1e": "np.real(special.hankel1e(1, p))",
    "hankel2": "np.real(special.hankel2(1, p))",
    "hankel2e": "np.real(special.hankel2e(1, p))",
    "kelvin": "np.real(special.kelvin(p))",
    "modfresnelm": "np.real(special.modfresnelm(p))",
    "modfresnelp": "np.real(special.modfresnelp(p))",
    "wofz": "np.real(special.wofz(x))",
    "h1vp": "np.real(special.h1vp(1, p))",
    "h2vp": "np.real(special.h2vp(1, p))",
    "sinc": "special.sinc(x)",
    "gammaln": "special.gammaln(p)",
    "smirnov": "special.smirnov(3, u**2)",
    "smirnovi": "special.smirnovi(3, u**2)",
    "chndtridf": "special.chndtridf(c, 0.5, 0.3)",
    "ncfdtridfd": "special.ncfdtridfd(3.0, 0.4, 0.5, s)",
    "ncfdtridfn": "special.ncfdtridfn(3.0, 0.4, 0.5, s)",
    "ncfdtrinc": "special.ncfdtrinc(3.0, 4.0, 0.1, s)",
    "nctdtridf": "special.nctdtridf(0.7, 0.5, c)",
    "nctdtrinc": "special.nctdtrinc(3.0, 0.4, s)",
    **{f"{kind}_{name}": f"special.{kind}_{name}(1, 2, 0.5, {'c' if 'rad' in name else 's'})[0]"
       for kind in ("obl", "pro") for name in ("rad2",)},
    **{f"{kind}_{name}_cv":
       f"special.{kind}_{name}_cv(1, 2, 0.5, 6.0, {'c' if 'rad' in name else 's'})[0]"
       for kind in ("obl", "pro") for name in ("ang1", "rad1", "rad2")},
    "obl_cv_seq": "special.obl_cv_seq(1, 2, s)",
    "pro_cv_seq": "special.pro_cv_seq(1, 2, s)",
    "lmbda": "special.lmbda(1, s)[0]",
    "lqn": "special.lqn(2, s)[0]",
    "lqmn": "special.lqmn(1, 2, s)[0]",
    "pbdv_seq": "special.pbdv_seq(2, s)[0]",
    "pbvv_seq": "special.pbvv_seq(2, s)[0]",
    "pbdn_seq": "np.real(special.pbdn_seq(2, s)[0])",
    "riccati_jn": "special.riccati_jn(2, s)[0]",
    "riccati_yn": "special.riccati_yn(2, s)[0]",
    "factorial2": "special.factorial2(5) * s",
    "factorialk": "special.factorialk(5, 3) * s",
    "stirling2": "special.stirling2(5, 3) * s",
    "bernoulli": "special.bernoulli(3) * s",
    "euler": "special.euler(3) * s",
    "ellip_harm": "special.ellip_harm(5.0, 8.0, 1, 1, c)",
    "ellip_harm_2": "special.ellip_harm_2(5.0, 8.0, 1, 1, 10.0 * c)",
    "ellip_normal": "special.ellip_normal(5.0 * s, 8.0, 1, 1)",
    "mathieu_even_coef": "special.mathieu_even_coef(2, s)",
    "mathieu_odd_coef": "special.mathieu_odd_coef(2, s)",
    **{name: f"special.{name}({arguments})[0] * s" for name, arguments in {
        "roots_legendre": "3", "roots_chebyt": "3", "roots_chebyu": "3", "roots_chebyc": "3",
        "roots_chebys": "3", "roots_laguerre": "3", "roots_hermite": "3", "roots_hermitenorm": "3",
        "roots_sh_legendre": "3", "roots_sh_chebyt": "3", "roots_sh_chebyu": "3"}.items()},
    "roots_jacobi": "special.roots_jacobi(3, s, c)[0]",
    "roots_genlaguerre": "special.roots_genlaguerre(3, s)[0]",
    "roots_gegenbauer": "special.roots_gegenbauer(3, s)[0]",
    "roots_sh_jacobi": "special.roots_sh_jacobi(3, c + 1.0, c)[0]",
}  # fmt: skip
GROUPS = {"densities": ("pdf", "logpdf"), "distribution functions": ("cdf", "logcdf", "sf", "logsf"),
          "quantiles": ("ppf", "isf")}  # fmt: skip
MASSES = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")


def _ufunc(name: str) -> list[Form]:
    """A ufunc by all of its real arguments that have a derivative, and by each that has none."""
    refused = test_special.REFUSED.get(name, ())
    rng = np.random.default_rng(3)
    arguments = []
    for low, high in test_special.DOMAINS[name]:
        whole = isinstance(low, int)
        arguments.append(rng.integers(low, high + 1, 4) if whole else rng.uniform(low, high, 4))
    letters = [f"x{k + 1}" for k in range(len(arguments))]
    ufunc = getattr(scipy.special, name)
    constants = {k: arguments[k] for k in refused if arguments[k].dtype.kind == "f"}

    def call(*moved: Any) -> Any:
        rest = iter(moved)
        return ufunc(*[constants[k] if k in constants else next(rest) for k in range(len(letters))])

    by = [letters[k] for k in range(len(letters)) if k not in constants]
    whole = f"{name}({', '.join(letters)})"
    moved = tuple(x for k, x in enumerate(arguments) if k not in constants)
    step = {"stdtridf": 1e-4, "chndtrinc": 1e-4}.get(name, 1e-3)
    text = whole if not refused else f"{whole} by {', '.join(by)}"
    made = [Form("scipy.special", name, text, call, moved, slope=1e-5, step=step)]
    for k in refused:
        if arguments[k].dtype.kind == "f":
            made.append(_by_one(name, k, arguments, whole, letters))
    return made


def _by_one(name: str, k: int, arguments: Any, whole: str, letters: Any) -> Form:
    ufunc = getattr(scipy.special, name)
    return Form(
        "scipy.special", name, f"{whole} by {letters[k]}",
        lambda x: ufunc(*arguments[:k], x, *arguments[k + 1 :]), (arguments[k],), slope=1e-5,
        step=1e-3,
    )  # fmt: skip


def _special() -> list[Form]:
    made = [form for name in sorted(test_special.DOMAINS) for form in _ufunc(name)]
    for title, (call, x) in test_special_functions.FUNCTIONS.items():
        name = title.split()[0].rstrip("'")
        made.append(Form("scipy.special", name, title, call, (x,), slope=1e-5))
    made += written("scipy.special", NOT_UFUNCS, slope=1e-5, step=1e-3)
    return made + with_names("scipy.special", "special.*(0.3 * z)", COMPLEX)


def _distribution(name: str) -> list[Form]:
    """A distribution by data, loc, scale and shapes, in three forms."""
    shapes = test_stats_distributions.CASES[name]
    distribution = getattr(scipy.stats, name)
    signature = ", ".join(["x", *distribution.shapes.split(", ")] if shapes else ["x"])
    made = []
    for group, methods in GROUPS.items():
        if group == "quantiles" and name in test_stats_distributions.WITHOUT_QUANTILES:
            made.append(_quantiles_by_shapes(name, signature))
            continue
        inner = test_stats_distributions.data(name, methods[0])[:3]
        fixed = name == "vonmises" and group != "densities"

        def call(x: Any, loc: Any, scale: Any, *shapes_: Any, methods: Any = methods) -> Any:
            every = shapes_ or shapes
            return [getattr(distribution, m)(x, *every, loc=loc, scale=scale) for m in methods]

        arguments = (inner, 0.4, 1.3, *(() if fixed else shapes))
        text = f"{', '.join(methods)}({signature}, loc, scale)"
        text += " by all but kappa" if fixed else ""
        numbers = tuple(np.float64(a) if np.ndim(a) == 0 else a for a in arguments)
        made.append(Form("scipy.stats", name, text, call, numbers, rtol=1e-9, slope=1e-4))
    return made


def _quantiles_by_shapes(name: str, signature: str) -> Form:
    shapes = test_stats_distributions.CASES[name]
    distribution = getattr(scipy.stats, name)
    return Form(
        "scipy.stats", name, f"ppf({signature}, loc, scale)",
        lambda *given: distribution.ppf(np.array([0.15, 0.45]), *given),
        tuple(map(np.float64, shapes)),
    )  # fmt: skip


def _discrete(name: str) -> list[Form]:
    shapes, index = test_stats_distributions.DISCRETE[name]
    distribution = getattr(scipy.stats, name)
    counts = np.array([0, 1, 3])

    def call(*moved: Any) -> Any:
        rest = iter(moved)
        every = [next(rest) if k in index else shapes[k] for k in range(len(shapes))]
        return [getattr(distribution, m)(counts, *every) for m in MASSES]

    moved = tuple(np.float64(shapes[k]) for k in index)
    text = f"{', '.join(MASSES)}(k, {distribution.shapes})"
    return [Form("scipy.stats", name, text, call, moved)]


STATISTICS = {
    **{name: f"stats.{name}.mean(c, scale=s)\nstats.{name}.var(c, scale=s)\nstats.{name}.std(c, scale=s)"
             f"\nstats.{name}.entropy(c, scale=s)\nstats.{name}(c, scale=s).logpdf(p)"
       for name in ("gamma", "weibull_min", "lognorm")},
    "norm": "stats.norm(s, c).logpdf(x)\nstats.norm.fit(x)[0]\nstats.norm.stats(s, c)[0]"
            "\nstats.norm.expect(lambda t: t, loc=s)\nstats.norm.rvs(s, c, size=3, random_state=0)"
            "\nstats.norm.nnlf((s, c), x)\nstats.norm.moment(2, s, c)\nstats.norm.median(s, c)"
            "\nstats.norm.interval(0.9, s, c)",
    "levy_stable": "stats.levy_stable.pdf(0.3, c, 0.1)",
    "kstwobign": "stats.kstwobign.pdf(c)",
    "ksone": "stats.ksone.pdf(0.2, 5) * s\nstats.ksone.cdf(0.5 * s, 5)",
    "ncx2": "stats.ncx2.pdf(c, 3.0, s)\nstats.ncx2.cdf(c, 3.0, s)",
    "nct": "stats.nct.pdf(c, 3.0, s)",
    "ncf": "stats.ncf.pdf(c, 3.0, 4.0, s)",
    "geninvgauss": "stats.geninvgauss.pdf(c, 2.3, s)",
    "genhyperbolic": "stats.genhyperbolic.pdf(c, 0.5, 1.5, s)",
    "norminvgauss": "stats.norminvgauss.pdf(c, 1.3, s)",
    "gausshyper": "stats.gausshyper.pdf(s, 1.3, 2.1, 0.7, 0.4)",
    "jf_skew_t": "stats.jf_skew_t.pdf(c, 2.3, s)",
    "studentized_range": "stats.studentized_range.pdf(c, 3, 10)",
    "truncpareto": "stats.truncpareto.pdf(c, 2.0, 5.3 + s)",
    "tukeylambda": "stats.tukeylambda.pdf(0.2 * s, 0.7)",
    "pearson3": "stats.pearson3.pdf(c, s)",
    "landau": "stats.landau.pdf(c)",
    "vonmises_line": "stats.vonmises_line.pdf(s, c)",
    "reciprocal": "stats.reciprocal.pdf(c, 0.3, 2.6)",
    "hypergeom": "stats.hypergeom.pmf([0, 2], 20, 7, 5) * s",
    "binom": "stats.binom.ppf(0.3, 5, s)",
    "betabinom": "stats.betabinom.pmf([0, 2], 5, s, c)",
    "zipf": "stats.zipf.pmf([1, 2], 1.0 + c)",
    "skellam": "stats.skellam.pmf([0, 1], s, c)",
    "multinomial": "stats.multinomial.pmf([1, 2], 3, [s, 1.0 - s])",
    "rankdata": "stats.rankdata(x)",
    "spearmanr": "stats.spearmanr(x, y)[0]",
    "kendalltau": "stats.kendalltau(x, y)[0]",
    "linregress": "stats.linregress(r, x)[0]",
    "ttest_ind": "stats.ttest_ind(x, y)[0]",
    "ttest_1samp": "stats.ttest_1samp(x, 0.0)[0]",
    "boxcox": "stats.boxcox(p, 0.3)",
    "yeojohnson": "stats.yeojohnson(x, 0.3)",
    "boxcox_llf": "stats.boxcox_llf(s, p)",
    "trim_mean": "stats.trim_mean(x, 0.2)",
    "median_abs_deviation": "stats.median_abs_deviation(x)",
    "mode": "stats.mode(k)[0]",
    "wasserstein_distance": "stats.wasserstein_distance(x, y)",
    "energy_distance": "stats.energy_distance(x, y)",
    "circmean": "stats.circmean(p)",
    "differential_entropy": "stats.differential_entropy(x8)",
    "tmean": "stats.tmean(x, (-1.5, 1.5))",
    "gstd": "stats.gstd(p)",
    "kstat": "stats.kstat(x)",
}  # fmt: skip


def _stats() -> list[Form]:
    made = [form for name in test_stats_distributions.CASES for form in _distribution(name)]
    made += [form for name in test_stats_distributions.DISCRETE for form in _discrete(name)]
    kinds = {"normal": "multivariate_normal", "t": "multivariate_t", "kde": "gaussian_kde"}
    for title, (call, x) in test_stats_samples.CASES.items():
        name = title.split()[0]
        x = np.asarray(x)[()]
        made.append(Form("scipy.stats", kinds.get(name, name), title, call, (x,), slope=1e-5))
    return made + written("scipy.stats", STATISTICS, rtol=1e-9, slope=1e-4, step=1e-3)


def forms() -> list[Form]:
    """All of them."""
    return _special() + _stats()
