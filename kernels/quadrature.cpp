#include "kernels/quadrature.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include <lapacke.h>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// `recurrence(n)` is the n-th coefficient of the monic orthogonal polynomials,
// p_{n+1} = x p_n - recurrence(n) p_{n-1}.
template <int kPairs, class Recurrence>
PairedRule<kPairs> gauss_rule(const Recurrence& recurrence) {
  constexpr int kNodes = 2 * kPairs;
  std::vector<double> nodes(kNodes, 0.0), off_diagonal(kNodes), vectors(kNodes * kNodes);
  for (int n = 1; n < kNodes; ++n) off_diagonal[n - 1] = std::sqrt(recurrence(n));
  if (LAPACKE_dstev(LAPACK_COL_MAJOR, 'V', kNodes, nodes.data(), off_diagonal.data(),
                    vectors.data(), kNodes) != 0) {
    throw Error(ExitCode::kNumerical, "the nodes of a Gauss rule could not be computed");
  }
  PairedRule<kPairs> rule{};
  for (int k = 0; k < kPairs; ++k) {
    const int above = kPairs + k, below = kPairs - 1 - k;
    const double first_above = vectors[above * kNodes], first_below = vectors[below * kNodes];
    rule.node[k] = 0.5 * (nodes[above] - nodes[below]);
    rule.weight[k] = 0.5 * (first_above * first_above + first_below * first_below);
  }
  return rule;
}

}  // namespace

const QuadratureRules& quadrature_rules() {
  static const QuadratureRules rules = [] {
    const auto hermite = [](int n) { return static_cast<double>(n); };
    const auto logistic = [](int n) {
      const double square = static_cast<double>(n) * n;
      return std::numbers::pi * std::numbers::pi * square * square / (4.0 * square - 1.0);
    };
    return QuadratureRules{gauss_rule<10>(hermite), gauss_rule<32>(hermite),
                           gauss_rule<10>(logistic)};
  }();
  return rules;
}

}  // namespace bayesum
