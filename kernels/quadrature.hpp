#pragma once

namespace bayesum {

// A rule for expectations under a symmetric distribution, with nodes in pairs +-node that share a
// weight: E[f] ~ sum_k weight_k (f(node_k) + f(-node_k)).
template <int kPairs>
struct PairedRule {
  double node[kPairs];  // > 0
  double weight[kPairs];
};

// A few hundred bytes: kernels take them by value, which puts them into a GPU's constant memory.
struct QuadratureRules {
  PairedRule<10> hermite20;   // standard normal
  PairedRule<32> hermite64;   // standard normal
  PairedRule<10> logistic20;  // standard logistic, density e^t / (1 + e^t)^2
};

// Gauss rules of 20, 64 and 20 nodes, from the eigenvalues of their Jacobi matrices (Golub and
// Welsch, 1969); made on first use. The recurrence coefficients are n for the normal and
// pi^2 n^4 / (4 n^2 - 1) for the logistic distribution (continuous Hahn polynomials).
const QuadratureRules& quadrature_rules();

}  // namespace bayesum
