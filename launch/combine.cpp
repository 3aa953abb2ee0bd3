#include <filesystem>
#include <iostream>
#include <map>
#include <utility>

#include "core/agree.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/combination.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

// What the words of an expression stand for, read from files; owns what its terms point to.
class Expression {
 public:
  // Error(kUsage) when terms and signs do not take turns.
  explicit Expression(const std::vector<std::string>& words) {
    std::int64_t sign = 1;
    bool sign_is_due = true;  // or may be missing, before the first term
    for (const std::string& word : words) {
      const bool is_sign = word == "+" || word == "-";
      if (is_sign && sign_is_due) {
        sign = word == "+" ? 1 : -1;
        sign_is_due = false;
      } else if (!is_sign && (!sign_is_due || terms_.empty())) {
        terms_.push_back(term(sign, word));
        sign_is_due = true;
      } else {
        throw Error(ExitCode::kUsage,
                    "terms and the signs + and - take turns, as in: runs/a + "
                    "runs/b - prior; '" +
                        word + "' is out of turn");
      }
    }
    if (!sign_is_due) throw Error(ExitCode::kUsage, "the sum ends in a sign");
  }

  const std::vector<Term>& terms() const { return terms_; }

 private:
  Term term(std::int64_t sign, const std::string& word) {
    if (word == "prior") return {.sign = sign, .name = word};
    const std::size_t colon = word.rfind(':');
    if (colon == std::string::npos || fs::exists(word)) {
      return {.sign = sign, .name = word, .run = &run(word)};
    }
    const std::string path = word.substr(0, colon);
    const Sites& sites = sites_of(path);
    return {.sign = sign,
            .name = word,
            .run = &run(path),
            .sites = &sites,
            .site = &sites.site(word.substr(colon + 1))};
  }

  const TrainedModel& run(const std::string& path) {
    const auto known = runs_.find(path);
    return known != runs_.end() ? known->second
                                : runs_.emplace(path, load_trained(path)).first->second;
  }

  const Sites& sites_of(const std::string& path) {
    const auto known = sites_.find(path);
    if (known != sites_.end()) return known->second;
    const fs::path file = posterior_path(path).parent_path() / "sites.safetensors";
    if (!fs::exists(file)) {
      throw Error(ExitCode::kFile, path + " has no sites (" + file.string() +
                                       " is missing): train it with --keep-sites shards");
    }
    return sites_.emplace(path, Sites::from_file(read_tensors(file))).first->second;
  }

  std::map<std::string, TrainedModel> runs_;
  std::map<std::string, Sites> sites_;
  std::vector<Term> terms_;
};

fs::path place_for(const fs::path& out) {
  const bool is_file = out.extension() == ".safetensors";
  const fs::path file = is_file ? out : out / "posterior.safetensors";
  if (fs::exists(file)) {
    throw Error(ExitCode::kUsage, file.string() + " is there already: name another --out");
  }
  if (!is_file) fs::create_directories(out);
  return file;
}

}  // namespace

ExitCode combine(const CombineOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() != 0) return;
    const Expression expression(options.words);
    const TrainedModel sum = combine(expression.terms(), options.allow_overlap);
    const fs::path file = place_for(options.out);
    write_tensors(file, sum.to_file());
    std::cout << headline(sum) << "\n\n"
              << coefficient_table(sum) << "\n"
              << Table({"posterior", file.string()}).text(Table::kLeft) << std::flush;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
