// Activation functions and tanh, element by element. Compiled once per SIMD target: included after foreach_target.
// NaN gives NaN.

#if defined(LP_MODEL_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_MODEL_FUNCTIONS_INL_H_
#undef LP_MODEL_FUNCTIONS_INL_H_
#else
#define LP_MODEL_FUNCTIONS_INL_H_
#endif

#include "distribution/exp-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x / (1 + exp(-x)). The exponential is that of -|x|, so that it cannot overflow.
template <class D, class V>
HWY_INLINE V Silu(D d, V x) {
  const V one = hn::Set(d, 1.0f), e = ExpNonPositive(d, hn::Neg(hn::Abs(x)));
  const V sigmoid = hn::Div(hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, e), hn::Add(one, e));
  return hn::Mul(x, sigmoid);
}

// (1 + tanh(u)) / 2 is the sigmoid of 2u.
template <class D, class V>
HWY_INLINE V GeluTanh(D d, V x) {
  const V one = hn::Set(d, 1.0f), cube = hn::Mul(hn::Mul(x, x), x);
  const V u = hn::Mul(hn::Set(d, 1.59576912f), hn::MulAdd(cube, hn::Set(d, 0.044715f), x));  // 2 sqrt(2 / pi)
  const V e = ExpNonPositive(d, hn::Neg(hn::Abs(u)));
  const V sigmoid = hn::Div(hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, e), hn::Add(one, e));
  return hn::Mul(x, sigmoid);
}

// x Phi(x) with Phi(-y sqrt(2)) = erfc(y) / 2 for y >= 0, and erfc(y) = t P(t) exp(-y^2), t = 1 / (1 + y / 2). P is the
// best polynomial of degree 8 in relative error on [0.15, 1] (Lawson's iteration): 4.4e-8, 2.8e-7 in floats.
template <class D, class V>
HWY_INLINE V Gelu(D d, V x) {
  const V one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f);
  const V y = hn::Mul(hn::Abs(x), hn::Set(d, 0.707106781f)), t = hn::Div(one, hn::MulAdd(half, y, one));
  V p = hn::Set(d, -0.05931614711880684f);
  p = hn::MulAdd(p, t, hn::Set(d, 0.28578177094459534f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.4897001385688782f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.28092867136001587f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.028597239404916763f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.20352089405059814f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.24289312958717346f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.28240421414375305f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.28208476305007935f));
  const V tail = hn::Mul(half, hn::Mul(hn::Mul(p, t), ExpNonPositive(d, hn::Neg(hn::Mul(y, y)))));
  return hn::Mul(x, hn::IfThenElse(hn::Ge(x, hn::Zero(d)), hn::Sub(one, tail), tail));
}

// Relative error below 3e-7: below 0.64, where 1 - exp(-2x) would cancel, x + x^3 P(x^2), P of degree 4 fitted as
// above.
template <class D, class V>
HWY_INLINE V Tanh(D d, V x) {
  const V one = hn::Set(d, 1.0f), size = hn::Abs(x), z = hn::Mul(x, x);
  V p = hn::Set(d, -0x1.864b6cp-8f);
  p = hn::MulAdd(p, z, hn::Set(d, 0x1.5667f4p-6f));
  p = hn::MulAdd(p, z, hn::Set(d, -0x1.b8f9dcp-5f));
  p = hn::MulAdd(p, z, hn::Set(d, 0x1.110d66p-3f));
  p = hn::MulAdd(p, z, hn::Set(d, -0x1.555552p-2f));
  const V near = hn::MulAdd(hn::Mul(x, z), p, x);
  const V e = ExpNonPositive(d, hn::Mul(hn::Set(d, -2.0f), size));
  const V far = hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), x);
  return hn::IfThenElse(hn::Ge(size, hn::Set(d, 0.64f)), far, near);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
