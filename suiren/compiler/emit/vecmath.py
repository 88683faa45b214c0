"""Elementary functions of floats: exp and log with their relatives. Angles are in trigonometry.py, powers in power.py,
fmod in division.py.

They are written with the Builder's own operations, so the same text serves scalars and vectors, and without branches:
special cases are selects. float16 and bfloat16 are computed in float and rounded once. The polynomials are minimax fits
of ours, found by docs/internals/minimax.py; behind each stand the interval and the largest error, relative to the
function, of the exactly evaluated polynomial (in float, and in double). The methods are the classical ones (Cody &
Waite, Software Manual for the Elementary Functions, 1980; Muller, Elementary Functions, 2016). What is reached in all
is measured in tests/compiler/emit/test_vecmath.py.
"""

from __future__ import annotations

from functools import wraps
from typing import NamedTuple

from suiren.compiler.emit.values import NARROW, Value
from suiren.dtypes import dtype, float32, float64, int32, int64

inf = float("inf")
nan = float("nan")


class Format(NamedTuple):
    """How a float is laid out in bits."""

    int: dtype  # of the same size
    mantissa: int  # bits
    bias: int  # of the exponent
    tiny: float  # the smallest normal number
    epsilon: float  # half a unit in the last place of 1


FORMATS = {
    float32: Format(int32, 23, 127, 2.0**-126, 2.0**-24),
    float64: Format(int64, 52, 1023, 2.0**-1022, 2.0**-53),
}


def elementary(compute):
    """Makes a function of floats take narrow ones too, and Python numbers beside a Value."""

    @wraps(compute)
    def function(b, x, *others):
        for i, y in enumerate(others):
            x, y = b.paired(x, y)
            others = (*others[:i], y, *others[i + 1 :])
        if x.dtype in NARROW:
            wide = [b.convert(v, float32) for v in (x, *others)]
            return b.convert(compute(b, *wide), x.dtype)
        if x.dtype not in FORMATS:
            raise TypeError(f"{compute.__name__} is a function of floats, not of {x.dtype}")
        return compute(b, x, *others)

    return function


def polynomial(b, x: Value, coefficients: tuple[float, ...]) -> Value:
    """c0 + x (c1 + x (c2 + …)), Horner's rule."""
    *rest, y = coefficients
    for c in reversed(rest):
        y = b.mul_add(x, y, c)
    return y


def at_least(b, x: Value, bound: float) -> Value:
    """The larger one; NaN stays NaN (one instruction, which `maximum` is not)."""
    return b.select(b.lt(x, bound), b.like(bound, x), x)


def at_most(b, x: Value, bound: float) -> Value:
    return b.select(b.gt(x, bound), b.like(bound, x), x)


def nearest_whole(b, x: Value, factor: float) -> tuple[Value, Value]:
    """The whole number n nearest to x * factor (|n| < 2^21), as a float, and an integer with the same low bits as n.

    Adding 1.5 * 2^mantissa leaves no room for a fraction in the sum, and n in its low bits.
    """
    f = FORMATS[x.dtype]
    magic = 1.5 * 2.0**f.mantissa
    shifted = b.mul_add(x, b.like(factor, x), b.like(magic, x))
    return b.sub(shifted, magic), b.bitcast(shifted, f.int)


def power_of_two(b, low_bits: Value, d: dtype, bias: int | None = None) -> Value:
    """2^n from an integer whose low bits are n's; with another `bias` 2^(n + bias - the format's)."""
    f = FORMATS[d]
    return b.bitcast(b.add(b.shl(low_bits, f.mantissa), (f.bias if bias is None else bias) << f.mantissa), d)


# ---------------------------------------------------------------- exp

# e^x = e^r 2^h 2^h with h = round(x / (2 ln 2)), |r| <= ln 2. Two factors 2^h reach denormal results, infinity and all
# between without a case of its own: the first product is exact, the second one rounds once. 2 ln 2 is taken away in two
# parts, the first short enough for an exact product with h.
_TWO_LN2 = {float32: (1.38629150390625, 2.857213530660374e-06), float64: (1.3862943611202354, -3.447888905122967e-13)}
_LN2 = {float32: (0.693145751953125, 1.428606765330187e-06), float64: (0.6931471805601177, -1.7239444525614835e-13)}
_HALF_LOG2E, _LOG2E = 0.7213475204444817, 1.4426950408889634
# e^r, |r| <= 1.002 ln 2: 2^-26.0 and 2^-56.4
_EXP = {
    float32: (
        1.0, 1.0, 0.5000003576278687, 0.1666661500930786, 0.041661184281110764, 0.008336043916642666,
        0.0014105861773714423, 0.00019621111277956516,
    ),
    float64: (
        1.0, 1.0, 0.4999999999999993, 0.16666666666666943, 0.04166666666670237, 0.008333333333268541,
        0.0013888888883530322, 0.00019841269893754087, 2.4801590856683264e-05, 2.7557300350741848e-06,
        2.755615169376711e-07, 2.505507359354998e-08, 2.1062865630399816e-09, 1.5933780532809034e-10,
    ),
}  # fmt: skip
# Below the first the result rounds to 0, beyond the second it is infinite.
_EXP_RANGE = {float32: (-104.0, 89.0), float64: (-746.0, 710.0)}


def _exp_inside(b, x: Value) -> Value:
    """e^x for x inside of _EXP_RANGE."""
    d = x.dtype
    h, low_bits = nearest_whole(b, x, _HALF_LOG2E)
    high, low = _TWO_LN2[d]
    r = b.mul_add(h, b.like(-low, x), b.mul_add(h, b.like(-high, x), x))
    scale = power_of_two(b, low_bits, d)
    return b.mul(b.mul(polynomial(b, r, _EXP[d]), scale), scale)


@elementary
def exp(b, x: Value) -> Value:
    """e^x."""
    low, high = _EXP_RANGE[x.dtype]
    return _exp_inside(b, at_most(b, at_least(b, x, low), high))


# e^r, |r| <= 1.004 ln(2)/2: 2^-28.2 and 2^-57.9
_EXP_FINE = {
    float32: (
        1.0, 1.0, 0.4999999403953552, 0.166665181517601, 0.04166823625564575, 0.008369010873138905,
        0.0013823920162394643,
    ),
    float64: (
        1.0, 1.0, 0.5000000000000011, 0.16666666666666405, 0.04166666666652575, 0.008333333333499329,
        0.0013888888944906669, 0.0001984126949730682, 2.4801491659311007e-05, 2.7557592938819523e-06,
        2.763080076478338e-07, 2.499863833611245e-08,
    ),
}  # fmt: skip


def _exp_fine(b, x: Value) -> Value:
    """As `_exp_inside` with half the error for three instructions more: e^r 2^n, |r| <= ln(2)/2, and 2^n as 2^(n/2)
    2^(n - n/2)."""
    d = x.dtype
    n, low_bits = nearest_whole(b, x, _LOG2E)
    high, low = _LN2[d]
    r = b.mul_add(n, b.like(-low, x), b.mul_add(n, b.like(-high, x), x))
    half = b.shr_logical(low_bits, 1)  # the bits above n's are even: its half is right as well
    scale, rest = power_of_two(b, half, d), power_of_two(b, b.sub(low_bits, half), d)
    return b.mul(b.mul(polynomial(b, r, _EXP_FINE[d]), scale), rest)


# 2^r, |r| <= 1.002: 2^-26.1 and 2^-56.5
_EXP2 = {
    float32: (
        1.0, 0.6931472420692444, 0.24022668600082397, 0.055503666400909424, 0.009616835974156857, 0.00133415381424129,
        0.00015646305109839886, 1.4928493328625336e-05,
    ),
    float64: (
        1.0, 0.6931471805599453, 0.24022650695910028, 0.05550410866482282, 0.009618129107637772, 0.001333355814631082,
        0.00015403530387005015, 1.5252733847020827e-05, 1.321548876496425e-06, 1.0178078832230222e-07,
        7.0546058087425896e-09, 4.44606830668153e-10, 2.590958750121332e-11, 1.3586347187560804e-12,
    ),
}  # fmt: skip
_EXP2_RANGE = {float32: (-151.0, 129.0), float64: (-1076.0, 1025.0)}


@elementary
def exp2(b, x: Value) -> Value:
    """2^x, as `exp`: x = 2h + r, which is exact."""
    return exp2_of_sum(b, x, None)


def exp2_of_sum(b, x: Value, rest: Value | None) -> Value:
    """2^(x + rest), where |rest| is far below 1."""
    low, high = _EXP2_RANGE[x.dtype]
    x = at_most(b, at_least(b, x, low), high)
    h, low_bits = nearest_whole(b, x, 0.5)
    r = b.mul_add(h, b.like(-2.0, x), x)
    r = r if rest is None else b.add(r, rest)
    scale = power_of_two(b, low_bits, x.dtype)
    return b.mul(b.mul(polynomial(b, r, _EXP2[x.dtype]), scale), scale)


# (e^r - 1 - r) / r², |r| <= 1.002 ln(2)/2: 2^-26.1 and 2^-61.7
_EXPM1 = {
    float32: (0.5, 0.16666541993618011, 0.04166647791862488, 0.008366716094315052, 0.0013933730078861117),
    float64: (
        0.5, 0.16666666666666677, 0.04166666666666668, 0.0083333333333214, 0.001388888888887701, 0.0001984126988675412,
        2.4801587342132705e-05, 2.7557243535738804e-06, 2.755725750263879e-07, 2.5109285320301825e-08,
        2.09201206856066e-09,
    ),
}  # fmt: skip
_EXPM1_RANGE = {float32: (-18.0, 89.0), float64: (-38.0, 710.0)}


@elementary
def expm1(b, x: Value) -> Value:
    """e^x - 1 without cancellation: 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)); halved, so that n may be as large as the
    result allows."""
    d = x.dtype
    low, high = _EXPM1_RANGE[d]
    inside = at_most(b, at_least(b, x, low), high)
    n, low_bits = nearest_whole(b, inside, _LOG2E)
    r = b.mul_add(n, b.like(-_LN2[d][1], x), b.mul_add(n, b.like(-_LN2[d][0], x), inside))
    small = b.mul_add(b.mul(r, r), polynomial(b, r, _EXPM1[d]), r)
    half = power_of_two(b, low_bits, d, FORMATS[d].bias - 1)
    y = b.mul_add(small, half, b.sub(half, 0.5))
    # x itself where x² cannot be seen: keeps the sign of zero, and denormals, which do not bear halving
    return b.select(b.lt(b.abs(x), FORMATS[d].epsilon), x, b.add(y, y))


# ---------------------------------------------------------------- log

# log(1 + f) = f - f²/2 + f³ P(f), |f| <= 1/3: 2^-27.7
_LOG_FLOAT = (
    0.3333321213722229, -0.24999822676181793, 0.20010589063167572, -0.16679419577121735, 0.14003203809261322,
    -0.12198368459939957, 0.13996565341949463, -0.12832790613174438,
)  # fmt: skip
# With s = f / (2 + f): log(1 + f) = f - f²/2 + s (f²/2 + R(s²)), R(z) = (log((1+s)/(1-s)) - 2s) / s, for z <= 0.0403:
# 2^-55.8. One division in place of ten more terms, as in Sun's fdlibm.
_LOG_DOUBLE = (
    0.0, 0.6666666666667301, 0.39999999995995694, 0.2857142942519719, 0.22222136050446642, 0.1818645672922208,
    0.1524817034423725, 0.15383912081671536,
)  # fmt: skip
_TWO_THIRDS = {float32: 0x3F2AAAAB, float64: 0x3FE5555555555555}  # bits


def _split_bits(b, bits: Value, d: dtype) -> tuple[Value, Value]:
    """x = m 2^e, m in [2/3, 4/3), of the bits of a positive normal number: (e + bias, an integer; m)."""
    f = FORMATS[d]
    moved = b.add(bits, (f.bias << f.mantissa) - _TWO_THIRDS[d])
    m = b.add(b.and_(moved, (1 << f.mantissa) - 1), _TWO_THIRDS[d])
    return b.shr_logical(moved, f.mantissa), b.bitcast(m, d)


def _exponent(b, biased: Value, d: dtype) -> Value:
    """A biased exponent as a float."""
    f = FORMATS[d]
    if d is float32:
        return b.convert(b.sub(biased, f.bias), d)
    # AVX2 converts no 64-bit integers: put it into the low bits of 2^52.
    number = b.bitcast(b.or_(biased, (f.bias + f.mantissa) << f.mantissa), d)
    return b.sub(number, 2.0**f.mantissa + f.bias)


def _tail_of_log(b, f: Value) -> Value:
    """log(1 + f) - f, |f| <= 1/3."""
    z = b.mul(f, f)
    if f.dtype is float32:
        return b.mul(z, b.mul_add(f, polynomial(b, f, _LOG_FLOAT), b.like(-0.5, f)))
    half = b.mul(z, 0.5)
    s = b.div(f, b.add(f, 2.0))
    return b.sub(b.mul(s, b.add(half, polynomial(b, b.mul(s, s), _LOG_DOUBLE))), half)


def exponent_and_fraction(b, x: Value) -> tuple[Value, Value]:
    """(e, f) with x = (1 + f) 2^e and |f| <= 1/3, both floats, for positive x, denormal or not."""
    d = x.dtype
    shift = FORMATS[d].mantissa
    denormal = b.lt(x, FORMATS[d].tiny)
    normal = b.select(denormal, b.mul(x, 2.0**shift), x)
    biased, m = _split_bits(b, b.bitcast(normal, FORMATS[d].int), d)
    e = b.sub(_exponent(b, biased, d), b.select(denormal, b.like(shift, x), b.zero(x)))
    return e, b.sub(m, 1.0)


def _log_specials(b, x: Value, y: Value) -> Value:
    """y, the logarithm of x, or what a logarithm is at x = NaN, inf, 0 and below."""
    y = b.select(b.lt(x, inf), y, x)
    return b.select(b.gt(x, 0.0), y, b.select(b.eq(x, 0.0), b.like(-inf, x), b.select(b.lt(x, 0.0), b.like(nan, x), x)))


def _log_from(b, e: Value, f: Value) -> Value:
    """e ln 2 + log(1 + f)."""
    high, low = _LN2[f.dtype]
    rest = b.mul_add(e, b.like(low, f), _tail_of_log(b, f))
    return b.mul_add(e, b.like(high, f), b.add(f, rest))


@elementary
def log(b, x: Value) -> Value:
    """The natural logarithm; NaN below 0."""
    return _log_specials(b, x, _log_from(b, *exponent_and_fraction(b, x)))


# log2(e), its first part as long as the format's and what is left
_LOG2E_PARTS = {
    float32: (1.4426950216293335, 1.925963033500011e-08),
    float64: (1.4426950408889634, 2.0355273740931033e-17),
}


@elementary
def log2(b, x: Value) -> Value:
    """The logarithm to base 2; exact for powers of two."""
    e, f = exponent_and_fraction(b, x)
    high, low = _LOG2E_PARTS[x.dtype]
    rest = b.mul_add(_tail_of_log(b, f), b.like(high, f), b.mul(f, low))
    return _log_specials(b, x, b.mul_add(f, b.like(high, f), b.add(rest, e)))


@elementary
def log1p(b, x: Value) -> Value:
    """log(1 + x) without cancellation: 1 + x = (1 + f) 2^e gives e, and f = x 2^-e + (2^-e - 1) has no error that
    matters."""
    d = x.dtype
    fmt = FORMATS[d]
    biased, m = _split_bits(b, b.bitcast(b.add(x, 1.0), fmt.int), d)
    shrink = b.bitcast(b.shl(b.sub(2 * fmt.bias, biased), fmt.mantissa), d)  # 2^-e
    f = b.mul_add(x, shrink, b.sub(shrink, 1.0))
    f = b.select(b.gt(x, 1 / fmt.epsilon), b.sub(m, 1.0), f)  # there 2^-e may be too small for a normal number
    y = _log_from(b, _exponent(b, biased, d), f)
    y = b.select(b.lt(b.abs(x), fmt.epsilon), x, y)
    y = b.select(b.lt(x, inf), y, x)
    return b.select(
        b.gt(x, -1.0), y, b.select(b.eq(x, -1.0), b.like(-inf, x), b.select(b.lt(x, -1.0), b.like(nan, x), x))
    )


# ---------------------------------------------------------------- sigmoid, tanh, erf


@elementary
def sigmoid(b, x: Value) -> Value:
    """1 / (1 + e^-x), as e^-|x| or 1 over 1 + e^-|x|, which neither overflows nor cancels."""
    # The error of e can double: its own last place may be twice as wide, relative to it, as the result's.
    e = _exp_fine(b, at_least(b, b.neg(b.abs(x)), _EXP_RANGE[x.dtype][0]))
    return b.div(b.select(b.lt(x, 0.0), e, b.one(x)), b.add(e, 1.0))


# tanh(x) = x + x³ P(x²), x <= 0.626: 2^-27.7 and 2^-61.1
_TANH_BELOW = 0.625
_TANH = {
    float32: (
        -0.3333328068256378, 0.1333141028881073, -0.05373711884021759, 0.020630666986107826,
        -0.005695544183254242,
    ),
    float64: (
        -0.33333333333333315, 0.13333333333329928, -0.0539682539661212, 0.021869488469753624, -0.008863234321865213,
        0.0035921140407085233, -0.0014557259610010515, 0.0005894510072200473, -0.00023700756638275034,
        9.15481504976666e-05, -3.0174310637840523e-05, 6.035793053415633e-06,
    ),
}  # fmt: skip


@elementary
def tanh(b, x: Value) -> Value:
    """Hyperbolic tangent: a polynomial near 0, from there on 1 - 2 / (e^2x + 1)."""
    a = b.abs(x)
    z = b.mul(a, a)
    small = b.mul_add(b.mul(a, z), polynomial(b, z, _TANH[x.dtype]), a)
    e = _exp_inside(b, at_most(b, b.add(a, a), 44.0))  # from 22 on the result is 1, for double too
    large = b.sub(1.0, b.div(b.like(2.0, x), b.add(e, 1.0)))
    return b.copysign(b.select(b.lt(a, _TANH_BELOW), small, large), x)


# erf(x) = x + x P(x²), x <= 1: 2^-29.4 and 2^-56.0
_ERF = {
    float32: (
        0.12837916612625122, -0.3761262595653534, 0.11283581703901291, -0.026853594928979874, 0.005187851842492819,
        -0.000800571870058775, 7.838525925762951e-05,
    ),
    float64: (
        0.12837916709551256, -0.3761263890318339, 0.11283791670939997, -0.026866170642560697, 0.005223977602252256,
        -0.000854832576667565, 0.00012055289229907471, -1.4924636636000177e-05, 1.6446276451680061e-06,
        -1.6200262988329713e-07, 1.3686624091671408e-08, -7.736902306272403e-10,
    ),
}  # fmt: skip
# log(1 - erf(x)) for x from 1 to 4 and 1 to 6, from where on the result is 1. Error of erf: 2^-29.8 and 2^-59.5
_LOG_ERFC = {
    float32: (
        -0.00034113452420569956, -1.1270908117294312, -0.6381420493125916, -0.10310927033424377, 0.0218393262475729,
        -0.0029479912482202053, 0.00018641520000528544,
    ),
    float64: (
        -1.7974971687812483e-07, -1.128377328003165, -0.6366284946286067, -0.10274723614194506, 0.01907812399230091,
        0.0002805339176243472, -0.0017690497836580308, 0.0006412140358028149, -4.4849825280425226e-05,
        -7.035227200271635e-05, 4.503138869461077e-05, -1.651196938425429e-05, 4.3265375623192735e-06,
        -8.504755588247026e-07, 1.2569061136360372e-07, -1.3625218664271832e-08, 1.025598725952434e-09,
        -4.7956300746201316e-11, 1.049553668755631e-12,
    ),
}  # fmt: skip
_ERF_IS_1 = {float32: 4.0, float64: 6.0}


@elementary
def erf(b, x: Value) -> Value:
    """The error function: a polynomial up to 1, from there on 1 - e^(a polynomial)."""
    a = b.abs(x)
    small = b.mul_add(a, polynomial(b, b.mul(a, a), _ERF[x.dtype]), a)
    large = b.sub(1.0, _exp_inside(b, polynomial(b, at_most(b, a, _ERF_IS_1[x.dtype]), _LOG_ERFC[x.dtype])))
    return b.copysign(b.select(b.lt(a, 1.0), small, large), x)


FUNCTIONS = (exp, exp2, expm1, log, log1p, log2, sigmoid, tanh, erf)
