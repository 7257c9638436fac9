"""Operators as text: what is read, what is refused and how, and that nothing is lost on the way back."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import respair as rp
from respair.hamiltonians import (
    Operator,
    annihilate,
    boson,
    create,
    displacement,
    electron_number,
    formula_text,
    operator,
    pair,
    phonon,
)
from respair.hamiltonians.operators import spin_raising, spin_z

LETTERS = [
    create(0, "up"), create(1, "dn"), annihilate(0, "dn"), electron_number(2), pair(1), pair(0).dag, boson(0),
    phonon(1), displacement(0), spin_z(1), spin_raising(0),
]  # fmt: skip
numbers = st.complex_numbers(max_magnitude=1e3, allow_nan=False, allow_infinity=False).filter(lambda z: abs(z) > 1e-9)


@st.composite
def formulas(draw):
    total = Operator()
    for _ in range(draw(st.integers(0, 4))):
        product = draw(numbers) * draw(st.sampled_from(LETTERS))
        for _ in range(draw(st.integers(0, 2))):
            product = product * draw(st.sampled_from(LETTERS))
        total = total + product
    return total


@given(formulas())
@settings(max_examples=60, deadline=None)
def test_the_text_of_a_formula_is_read_back_to_the_last_digit(formula):
    assert operator(formula_text(formula)).terms == formula.terms


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("c+up_0 c_up_1 + h.c.", create(0, "up") * annihilate(1, "up") + create(1, "up") * annihilate(0, "up")),
        ("c+_dn_0 cdn_1 - h.c.", create(0, "dn") * annihilate(1, "dn") - create(1, "dn") * annihilate(0, "dn")),
        ("-2 n_0*nup_1/4", -0.5 * electron_number(0) * electron_number(1, "up")),
        ("2j (b+_0 D_0 - h.c.) x_1^2", 2j * (boson(0).dag * pair(0) - pair(0).dag * boson(0))
         * displacement(1) * displacement(1)),
        ("1e-3 Sz_0 Sz_1 + .5(S+_0 S-_1 + h.c.)", 1e-3 * spin_z(0) * spin_z(1)
         + 0.5 * (spin_raising(0) * spin_raising(1).dag + spin_raising(1) * spin_raising(0).dag)),
        ("3 - na_2", 3 - phonon(2).dag * phonon(2)),
        ("n_0 + -nb_1", operator("n_0 - nb_1")),
    ],
)  # fmt: skip
def test_formulas(text, formula):
    assert operator(text).terms == formula.terms


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", 1, "allowed: cup_0"), ("c+up_0 cup", 8, "allowed: cup_0, cdn_0"), ("(n_0 + n_1", 11, "not closed"),
        ("n_0 +", 6, "allowed"), ("n_0 / 0", 7, "a number other than 0"), ("c_0", 1, "cdn_0"), ("x+_0", 1, "x_0"),
        ("n_0)", 4, "+ or -"), ("x_0^99", 5, "0 to 12"), ("__import__('os')", 1, "allowed"), ("n_0 h.c.", 5, "+ or -"),
        ("nup_0.5", 1, "nup_0"), ("1..2", 1, "allowed"), ("h.c.", 1, "end of a sum"), ("n_0; n_1", 4, "allowed"),
        ("(" * 60 + "n_0" + ")" * 60, 52, "at most 50"), ("(x_0 + x_1 + x_2 + x_3 + x_4)^12", 0, "at most 50,000"),
        ("1e400 n_0", 1, "at most 1e+50"), ("1e40 1e40 n_0", 14, "at most 1e+50"), ("n_0 / 1e-320", 7, "other than 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(text, place, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        operator(text)
    assert not place or f"character {place}:" in str(caught.value)


def test_text_is_taken_where_operators_are():
    levels = rp.ground_state(rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=4.0)), 2, states=2)
    hop = "c+up_0 cup_1 + h.c. + c+dn_0 cdn_1 + 0"
    assert rp.expectation(levels, "nup_0 ndn_0") == pytest.approx(
        rp.observables(levels, ["double_occupancy"]).double_occupancy.values[0], abs=1e-12
    )
    assert rp.expectation(levels, hop).real > 0
    with pytest.raises(TypeError, match="n_0"):
        rp.expectation(levels, [1])
    with pytest.raises(ValueError, match="character 5"):
        rp.expectation(levels, "1 / x_0")
