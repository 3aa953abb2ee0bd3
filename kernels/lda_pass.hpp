#pragma once

#include <cstddef>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The local step of latent Dirichlet allocation over a block of documents, V words and K topics.
// Document i holds n_iw tokens of word w, each of a latent topic, drawn with probabilities
// theta_i ~ Dirichlet(alpha). With B_wk = exp(E[log beta_kw]) given, q(theta_i) =
// Dirichlet(gamma_i) and the topics' probabilities of a token phi_iw are the fixed point of
//
//   t_ik    = exp(E[log theta_ik]) = exp(digamma(gamma_ik) - digamma(sum_k gamma_ik))
//   phi_iwk = t_ik B_wk / s_iw,   s_iw = sum_k t_ik B_wk
//   gamma_ik = alpha + sum_w n_iw phi_iwk
//
// iterated from gamma_ik = alpha + N_i / K, whatever came before, until no gamma_ik moves by more
// than tolerance * (K alpha + N_i), or for so many steps. What is given of a document is then
// consistent, and a true lower bound however far the iteration got, since phi is the best for
// gamma:
//
//   loss    += -sum_i v_i [ sum_w n_iw log s_iw + log Gamma(K alpha) - K log Gamma(alpha)
//               - log Gamma(sum gamma_i) + sum_k log Gamma(gamma_ik)
//               + sum_k (alpha - gamma_ik) log t_ik ]
//   counts_wk += sum_i v_i n_iw phi_iwk        v_i: the weight of the document
//
// Is it the best bound? With gamma eliminated, and N_k = sum_w n_w phi_wk, the bound is a sum of
// -n_w phi_wk log phi_wk, of terms linear in phi, and of log Gamma(alpha + N_k). Along any change d
// of phi its second derivative is at most, by Cauchy's inequality,
//   sum_k (N_k digamma'(alpha + N_k) - 1) sum_w n_w d_wk^2 / phi_wk,
// and digamma'(x) < 1 / (x - 1/2), so that it is concave where alpha >= 1/2: there is one optimum,
// and the iteration climbs to it. Below 1/2 there may be several, and it ends at one of them. Blei,
// Ng and Jordan, "Latent Dirichlet allocation", JMLR 3 (2003).
struct LdaPass {
  SparseView documents;                  // n x V, counts
  std::span<const double> weight{};      // n; empty: ones
  MatrixView<const double> word_topic;   // V x K: B_wk / e^scale_w
  std::span<const double> word_scale{};  // V: any scale that keeps B from underflow
  double concentration = 1.0;            // alpha, between 0.01 and 1e6
  double tolerance = 1e-7;
  std::size_t steps = 1000;

  // On the host. Each may be left out.
  MatrixView<double> gamma{};   // n x K
  MatrixView<double> counts{};  // V x K, added to
  double* loss = nullptr;       // added to
};

// Documents are spread over the threads, then topics; sums run over documents in order: the same
// bits for any number of threads. On the CPU alone: Error(kDevice) for a stream of a GPU,
// Error(kUsage) when sizes do not fit.
void lda_pass(const Stream& stream, const LdaPass& pass);

}  // namespace bayesum
