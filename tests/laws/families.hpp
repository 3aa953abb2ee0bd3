#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "core/families/family.hpp"
#include "tests/laws/dense.hpp"

// The members of exponential families on which the laws are run: one point of natural parameters
// each, with the textbook density of that point. A new family joins by a line in families.cpp.
namespace bayesum::laws {

struct FamilyMember {
  std::string name;
  std::shared_ptr<const Family> family;
  std::vector<double> natural;
  std::function<oracle::Real(std::span<const double> theta)> log_density;  // the textbook's
};

const std::vector<FamilyMember>& families();
std::ostream& operator<<(std::ostream& out, const FamilyMember& member);

bool is_discrete(const FamilyMember& member);

// The integral of f over the whole space of theta, by the trapezoidal rule in a chart where it
// converges exponentially, or the sum over it; for members of at most two continuous dimensions.
bool can_be_integrated(const FamilyMember& member);
double integral(const FamilyMember& member,
                const std::function<double(std::span<const double>)>& f);

}  // namespace bayesum::laws
