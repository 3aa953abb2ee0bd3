#include <gtest/gtest.h>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/laws/conjugacy_law.hpp"

namespace bayesum::laws {
namespace {

class ConjugacyLaw : public ::testing::TestWithParam<std::tuple<ModelMember, int>> {};

TEST_P(ConjugacyLaw, OneStepIsExactBayes) {
  const auto& [member, ranks] = GetParam();
  run_on_threads(ranks, [&, &m = member](Communicator& communicator) {
    one_step_is_exact_bayes(m, communicator);
  });
}

INSTANTIATE_TEST_SUITE_P(Models, ConjugacyLaw,
                         ::testing::Combine(::testing::ValuesIn(conjugate_models()),
                                            ::testing::Values(1, 2, 3, 4, 7)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_on_" +
                                  std::to_string(std::get<1>(test.param));
                         });

TEST(ConjugacyLawAlone, OneStepIsExactBayes) {
  const auto self = make_self_communicator();
  for (const ModelMember& member : conjugate_models()) {
    SCOPED_TRACE(member.name);
    one_step_is_exact_bayes(member, *self);
  }
}

}  // namespace
}  // namespace bayesum::laws
