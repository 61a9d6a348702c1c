"""All forms, and the seeded twentieth of them."""

from __future__ import annotations

import zlib
from functools import cache

import algorithm_forms
import array_forms
import elementwise_forms
import linear_forms
import number_forms
import reduction_forms
import signal_forms
import special_forms
from forms import Form

import chainrule

FAMILIES = (
    elementwise_forms, array_forms, reduction_forms, linear_forms, number_forms, special_forms,
    algorithm_forms, signal_forms,
)  # fmt: skip
# The same for all runs of a release: what it draws is what the document was written from
SEED = zlib.crc32(chainrule.__version__.encode())


@cache
def all_forms() -> tuple[Form, ...]:
    """Each form once, in the order of the document."""
    forms = {form.key: form for family in FAMILIES for form in family.forms()}
    return tuple(forms.values())


def is_in_twentieth(form: Form) -> bool:
    """Whether the quick tests prove it in this release."""
    return zlib.crc32(f"{SEED} {form.key}".encode()) % 20 == 0
