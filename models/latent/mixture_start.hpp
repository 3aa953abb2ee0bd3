#pragma once

#include <cstddef>
#include <cstdint>

#include "core/data/row_sample.hpp"
#include "core/model.hpp"

namespace bayesum {

// Where a mixture of K Gaussians starts. Coordinate ascent finds an optimum near its start, so the
// start is searched for where a pass is cheap, on a sample of the rows: sixteen times k-means
// (models/latent/k_means.hpp), each with noise of its own; fewer where that would cost much. The
// four clusterings of the least cost each give, by their centres m_k, a posterior,
//
//   q = prior + what w_k rows of mean m_k and variance v_k in every column teach component k
//
// which climbs by a few steps of the model's own, and the one with the highest ELBO of the sample
// is the start. A pure function of sample and seed.

// How many rows the search asks for.
std::size_t mixture_start_rows(std::size_t components);

// The start of a model with a Dirichlet over K components and then a Normal-Wishart of each; its
// prior where there are no rows. The model is left prepared for some posterior on the host.
Posterior mixture_start(Model& model, const RowSample& rows, std::size_t components,
                        std::uint64_t seed);

}  // namespace bayesum
