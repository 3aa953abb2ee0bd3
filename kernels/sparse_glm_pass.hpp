#pragma once

#include <span>

#include "kernels/glm_pass.hpp"

namespace bayesum {

// glm_pass and linear_predictor over sparse rows, to which these hand them: O(k) a row of k
// elements without a spread or with a diagonal one, O(k^2) with a full covariance or curvature.
// Fixed row blocks and lanes. Error(kUsage) on a GPU, and where a column is out of range.
void sparse_glm_pass(const Stream& stream, const GlmPass& pass);
void sparse_linear_predictor(const Stream& stream, const GlmPass& pass, std::span<double> mean_z,
                             std::span<double> variance_z);

}  // namespace bayesum
