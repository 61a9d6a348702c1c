"""Forms of NumPy's reductions, products, statistics, and functions of samples."""

# ruff: noqa: E501 (forms are one line each)
from __future__ import annotations

from forms import Form, with_names, written

SIMPLE = ["sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "ptp", "median"]
TRUTH = ["all", "any", "argmax", "argmin"]
WITHOUT_NAN = ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian"]
REDUCING = {
    "sum": """np.sum(A, axis=(0, 1))
              np.sum(x, where=b, initial=s)
              np.sum(A, keepdims=True)
              np.sum([s, 2.0, c])
              np.sum(x, dtype=complex)
              np.sum(z)
              sum(x)""",
    "mean": "np.mean(A, where=A > 0)\nnp.mean([s, 2.0, c])\nnp.mean(Z, axis=0)",
    "max": "np.max(A, initial=0.3, axis=0)\nnp.max([s, 2.0, c])\nnp.max(A, where=A < 1, initial=-9)",
    "min": "np.min([s, 2.0, c])",
    "prod": "np.prod(z)\nnp.prod(x, where=b)",
    "std": "np.std(A, axis=1, ddof=1)\nnp.std(A, correction=1)\nnp.std(Z)",
    "var": "np.var(A, axis=1, ddof=1)\nnp.var(A, mean=np.mean(A))\nnp.var(Z, axis=1)",
    "cumsum": "np.cumsum(x)\nnp.cumsum(A, axis=1)\nA.cumsum()\nnp.cumsum(z)",
    "cumprod": "np.cumprod(x)\nnp.cumprod(A, axis=0)\nnp.cumprod(z)",
    "cumulative_sum": "np.cumulative_sum(x)\nnp.cumulative_sum(A, axis=1, include_initial=True)",
    "cumulative_prod": "np.cumulative_prod(x)\nnp.cumulative_prod(A, axis=1, include_initial=True)",
    "nancumsum": "np.nancumsum(np.where(A > 1, np.nan, A), axis=1)",
    "nancumprod": "np.nancumprod(np.where(A > 1, np.nan, A), axis=1)",
    "nanargmax": "np.nanargmax(np.where(A > 1, np.nan, A))",
    "nanargmin": "np.nanargmin(np.where(A > 1, np.nan, A))",
}
METHODS = ["inverted_cdf", "averaged_inverted_cdf", "closest_observation", "hazen", "weibull",
           "interpolated_inverted_cdf", "linear", "median_unbiased", "normal_unbiased", "lower",
           "higher", "midpoint", "nearest"]  # fmt: skip
QUANTILES = {
    "median": "np.median(A, axis=1, keepdims=True)",
    "percentile": """np.percentile(A, 30)
                     np.percentile(A, [10, 52.5], axis=0)
                     np.percentile(x, 37, method='hazen')
                     np.percentile(A, 40, axis=0, weights=w3, method='inverted_cdf')
                     np.percentile(x, 40 * s)""",
    "quantile": "np.quantile(A, 0.3, axis=1, keepdims=True)\nnp.quantile(x, s)\n"
                + "\n".join(f"np.quantile(A, [0.21, 0.77], axis=1, method='{m}')" for m in METHODS),
    "nanpercentile": "np.nanpercentile(np.where(A > 1.4, np.nan, A), 31, axis=1)",
    "nanquantile": "np.nanquantile(np.where(A > 1.4, np.nan, A), [0.31, 0.6], axis=1)",
    "average": """np.average(x)
                  np.average(A, axis=1, weights=v4**2 + 1)
                  np.average(A, weights=W, returned=True)
                  np.average(x, weights=p)""",
    "cov": """np.cov(A)
              np.cov(x, y)
              np.cov(A, rowvar=False, bias=True)
              np.cov(A, aweights=p4)
              np.cov(A, fweights=[1, 2, 3, 1], ddof=0)
              np.cov(Z)""",
    "corrcoef": "np.corrcoef(A)\nnp.corrcoef(x, y)\nnp.corrcoef(A, rowvar=False)",
    "histogram": """np.histogram(x, [-2, 0, 1, 2])[0]
                    np.histogram(x, [-2, 0, 1, 2], weights=p)[0]
                    np.histogram(x, 4, range=(-3, 3), weights=p, density=True)[0]
                    np.histogram(x, 3)[1]""",
    "histogram2d": "np.histogram2d(x, y, [[-3, 0, 3], [-3, 1, 3]], weights=p)[0]",
    "histogramdd": "np.histogramdd(B, 2, range=[(-3, 3)] * 3, weights=p4)[0]",
    "histogram_bin_edges": "np.histogram_bin_edges(x, 4)\nnp.histogram_bin_edges(x, 'auto')",
    "bincount": "np.bincount(i, weights=x, minlength=4)\nnp.bincount([0, 2, 2, 1, 0], x)"
                "\nnp.bincount(i)",
}  # fmt: skip
SAMPLES = {
    "diff": """np.diff(x)
               np.diff(A, n=2, axis=1)
               np.diff(x, prepend=0.0, append=s)""",
    "ediff1d": "np.ediff1d(x)\nnp.ediff1d(A, to_begin=s, to_end=[1.0, 2.0])",
    "gradient": """np.gradient(x)
                   np.gradient(A)
                   np.gradient(A, 0.3, axis=1, edge_order=2)
                   np.gradient(x, r)
                   np.gradient(A, s, c)""",
    "trapezoid": "np.trapezoid(x)\nnp.trapezoid(x, r)\nnp.trapezoid(A, dx=s, axis=0)",
    "interp": """np.interp(x, [-1.0, 0.3, 1.0], v3)
                 np.interp(x, r, y)
                 np.interp(s, [0.0, 0.5, 1.0], [1.0, 5.0, 3.0])
                 np.interp(x, [-1.0, 0.3, 1.0], v3, left=s, right=c)
                 np.interp(x, [0.1, 0.3, 1.0], v3, period=1.3)""",
    "unwrap": "np.unwrap(4 * x)\nnp.unwrap(4 * A, axis=0, period=2.5)",
    "convolve": "np.convolve(x, w3)\nnp.convolve(x, w3, 'same')\nnp.convolve(x, w3, mode='valid')"
                "\nnp.convolve(z, w3)",
    "correlate": "np.correlate(x, w3)\nnp.correlate(x, w3, 'same')\nnp.correlate(x, w3, mode='full')"
                 "\nnp.correlate(z, w3, 'full')",
}  # fmt: skip
PRODUCTS = {
    "dot": "np.dot(x, y)\nnp.dot(A, v4)\nnp.dot(A, B)\nnp.dot(C, v4)\nnp.dot(s, x)\nx.dot(y)"
           "\nnp.dot(Z, H)\nnp.dot([s, c], [c, 2.0])",
    "inner": "np.inner(x, y)\nnp.inner(A, C)\nnp.inner(s, x)",
    "outer": "np.outer(x, y)\nnp.outer(A, v3)\nnp.outer(z, z)",
    "vdot": "np.vdot(x, y)\nnp.vdot(A, D)\nnp.vdot(z, 2j * z)",
    "tensordot": "np.tensordot(C, E, axes=([2], [1]))\nnp.tensordot(A, B, 1)\nnp.tensordot(A, D, 2)",
    "einsum": """np.einsum('ij,jk->ik', A, B)
                 np.einsum('ij->ji', A)
                 np.einsum('ii->i', P)
                 np.einsum('ij,ij,j', A, D, v4)
                 np.einsum('bij,...j->b...i', C, v4)
                 np.einsum(A, [0, 1], B, [1, 2], [2, 0])
                 np.einsum(A, [3, 1], B, [1, 0])
                 np.einsum(C, [..., 0, 1], v4, [1])
                 np.einsum('ij,jk,kl->il', A, B, A, optimize=True)""",
    "cross": "np.cross(v3, w3)\nnp.cross(B, w3)\nnp.cross(A, D, axis=0)",
}  # fmt: skip
POLYNOMIALS = {
    "polyval": "np.polyval(v3, x)\nnp.polyval([1.0, s, 3.0], x)",
    "polyfit": "np.polyfit(r, x, 2)\nnp.polyfit(r, x, 1, w=p)\nnp.polyfit(r, x, 1, cov=True)",
    "polyder": "np.polyder(v4)\nnp.polyder(v4, 2)",
    "polyint": "np.polyint(v3)\nnp.polyint(v3, 2, k=[s, 1.0])",
    "polyadd": "np.polyadd(v3, v4)",
    "polysub": "np.polysub(v3, v4)",
    "polymul": "np.polymul(v3, v4)",
    "polydiv": "np.polydiv(x, w3)",
    "poly": "np.poly(v3)\nnp.poly(P)",
    "roots": "np.roots([1.0, -3.0 - s, 1.0 + s])",
    "poly1d": "np.poly1d(v3)(x)\nnp.poly1d([s, 1.0, 2.0]).deriv()(x)",
}


def forms() -> list[Form]:
    """All of them, in the module `numpy`."""
    made = with_names(
        "numpy",
        "np.*(p)\nnp.*(W, axis=0)\nnp.*(C, axis=(0, 2), keepdims=True)\nW.*(1)",
        [name for name in SIMPLE if name not in ("amax", "amin", "ptp", "median")],
    )
    made += with_names("numpy", "np.*(p)\nnp.*(W, axis=0)", ["amax", "amin", "ptp", "median"])
    made += with_names("numpy", "np.*(x)\nnp.*(A, axis=1)", TRUTH)
    made += with_names("numpy", "np.*(x)\nnp.*(np.where(A > 1, np.nan, A), axis=1)", WITHOUT_NAN)
    for table in (REDUCING, QUANTILES, SAMPLES, PRODUCTS, POLYNOMIALS):
        made += written("numpy", table)
    return made
