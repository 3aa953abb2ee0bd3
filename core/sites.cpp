#include "core/sites.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include "core/agree.hpp"
#include "core/data/row_filter.hpp"
#include "core/files/hash.hpp"
#include "core/nearest.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kFormat = "bayesum-sites";
constexpr const char* kFormatVersion = "2";

// Gathers sites one after the other, by the path that a step of training takes.
class Gathering {
 public:
  Gathering(const Trainer::Parts& parts, const Posterior& q)
      : parts_(parts),
        q_(q),
        coordinator_(make_coordinator({}, parts.communicator, q, parts.data.virtual_shards(),
                                      parts.stream.device())),
        message_(q.size(), parts.stream.device()) {
    agree(parts.communicator, parts.stream, [&] { parts_.model.prepare(parts_.stream, q); });
  }

  // From one virtual shard or all, the rows that pass the filter.
  Site gather(const std::string& name, std::optional<std::size_t> shard, RowFilter& filter) {
    const Stream& stream = parts_.stream;
    const Communicator& communicator = parts_.communicator;
    agree(parts_.communicator, stream, [&] {
      const std::size_t all = parts_.data.virtual_shards();
      const Range mine = shards_of_rank(all, communicator.size(), communicator.rank());
      for (std::size_t k = mine.first; k < mine.last; ++k) {
        if (shard.value_or(k) == k) {
          teach(k, filter);
        } else {
          coordinator_->skip(stream, k);
        }
      }
    });
    Site site{.name = name, .natural = std::vector<double>(q_.size())};
    std::array<double, Message::kScalars> counts{};
    coordinator_->reduce(stream, site.natural, counts);
    if (counts[Message::kNonFinite] > 0) {
      throw Error(ExitCode::kNumerical, "the site " + name + " is not finite");
    }
    if (parts_.model.chart() == Chart::kCentred) {
      q_.natural_from_centred(std::vector(site.natural), site.natural);
    }
    site.rows = counts[Message::kRows];
    site.loss = counts[Message::kLoss];
    return site;
  }

 private:
  void teach(std::size_t shard, RowFilter& filter) {
    const Stream& stream = parts_.stream;
    message_.clear(stream);
    double rows = 0;
    parts_.data.visit(stream, shard, [&](const Batch& batch) {
      const RowFilter::Kept kept = filter.apply(stream, batch);
      parts_.model.accumulate(stream, kept.batch, message_);
      rows += kept.rows;
      parts_.communicator.activity().move();
    });
    message_.count(stream, Message::kRows, rows);
    message_.count_nonfinite(stream);
    coordinator_->add(stream, shard, message_);
  }

  Trainer::Parts parts_;
  const Posterior& q_;
  std::unique_ptr<Coordinator> coordinator_;
  Message message_;
};

std::uint64_t hash_of_text(const std::string& text) {
  return hash_of(std::as_bytes(std::span(text)));
}

const Tensor& numbers(const TensorFile& file, const std::string& key, std::size_t sites) {
  const Tensor& tensor = file.tensor(key);
  if (tensor.shape.empty() || tensor.shape[0] != sites) {
    throw Error(ExitCode::kFile,
                file.path.string() + ": " + key + " is not of " + std::to_string(sites) + " sites");
  }
  return tensor;
}

}  // namespace

Sites gather_sites(const Trainer::Parts& parts, const Posterior& q, const DataSummary& summary,
                   const std::string& column) {
  Gathering gathering(parts, q);
  Sites result{column, hash_of_natural(q), {}, block_names(q)};
  if (column.empty()) {
    RowFilter all(parts.stream, {});
    for (std::size_t shard = 0; shard < parts.data.virtual_shards(); ++shard) {
      result.sites.push_back(gathering.gather(std::to_string(shard), shard, all));
      result.sites.back().fingerprint = summary.shards[shard];
    }
    return result;
  }
  const std::vector<std::string>& levels = parts.data.groups();
  for (std::size_t g = 0; g < levels.size(); ++g) {
    if (!parts.data.learns_from(g)) continue;
    std::vector<bool> keep(levels.size());
    keep[g] = true;
    RowFilter filter(parts.stream, keep);
    result.sites.push_back(gathering.gather(levels[g], std::nullopt, filter));
    result.sites.back().fingerprint =
        hash_of_text(hash_text(summary.fingerprint) + " " + group_text(column, levels[g]));
  }
  return result;
}

const Site& Sites::site(const std::string& name) const {
  const auto found = std::ranges::find(sites, name, &Site::name);
  if (found != sites.end()) return *found;
  std::vector<std::string> names;
  for (const Site& site : sites) names.push_back(site.name);
  throw Error(ExitCode::kUsage,
              "there is no site '" + name + "' among " +
                  (column.empty() ? "virtual shards" : "the levels of " + column) +
                  "; did you mean '" + nearest(name, names) + "'?");
}

TensorFile Sites::to_file() const {
  const std::size_t size = sites.empty() ? 0 : sites.front().natural.size();
  TensorFile file;
  Tensor natural{{sites.size(), size}, {}}, rows{{sites.size()}, {}}, loss{{sites.size()}, {}};
  std::vector<std::uint64_t> fingerprints;
  std::string names;
  for (const Site& site : sites) {
    natural.values.insert(natural.values.end(), site.natural.begin(), site.natural.end());
    rows.values.push_back(site.rows);
    loss.values.push_back(site.loss);
    fingerprints.push_back(site.fingerprint);
    names += site.name + "\n";
  }
  file.metadata = {{"format", kFormat},         {"format_version", kFormatVersion},
                   {"column", column},          {"names", names},
                   {"blocks", text_of(blocks)}, {"posterior", hash_text(posterior)}};
  file.tensors["site.natural"] = std::move(natural);
  file.tensors["site.rows"] = std::move(rows);
  file.tensors["site.loss"] = std::move(loss);
  file.tensors["site.fingerprint"] = hash_tensor(fingerprints);
  return file;
}

Sites Sites::from_file(const TensorFile& file) {
  if (file.text("format") != kFormat || file.text("format_version") != kFormatVersion) {
    throw Error(ExitCode::kFile, file.path.string() + " holds no sites of this version");
  }
  Sites result{file.text("column"), 0, {}, read_block_names(file)};
  std::istringstream(file.text("posterior")) >> std::hex >> result.posterior;
  std::istringstream lines(file.text("names"));
  for (std::string line; std::getline(lines, line);) {
    result.sites.emplace_back().name = line;
  }
  const std::size_t count = result.sites.size();
  const Tensor& natural = numbers(file, "site.natural", count);
  const Tensor& rows = numbers(file, "site.rows", count);
  const Tensor& loss = numbers(file, "site.loss", count);
  const auto fingerprints = read_hashes("site.fingerprint", file);
  if (natural.shape.size() != 2 || rows.shape.size() != 1 || loss.shape.size() != 1 ||
      fingerprints.size() != count) {
    throw Error(ExitCode::kFile, file.path.string() + ": a tensor of the sites has another shape");
  }
  const auto size = static_cast<std::ptrdiff_t>(natural.shape[1]);
  for (std::size_t k = 0; k < count; ++k) {
    const auto first = natural.values.begin() + static_cast<std::ptrdiff_t>(k) * size;
    Site& site = result.sites[k];
    site.natural.assign(first, first + size);
    site.rows = rows.values[k];
    site.loss = loss.values[k];
    site.fingerprint = fingerprints[k];
  }
  return result;
}

std::uint64_t hash_of_natural(const Posterior& q) { return hash_of(std::as_bytes(q.natural())); }

}  // namespace bayesum
