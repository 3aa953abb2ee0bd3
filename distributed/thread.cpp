#include "distributed/thread.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::string to_string(const Elements& elements) {
  return std::to_string(elements.count) + " " + to_string(elements.type);
}

std::string name_rank(int rank) { return "rank " + std::to_string(rank); }

// A call of one rank: what others must agree on, in words, and where its payload is.
struct Call {
  std::string what;
  Elements payload;
};

struct Letter {
  int from;
  int to;
  Elements payload;
  bool taken = false;
};

// What the ranks of one run share, guarded by one mutex. A collective lies between a meeting and a
// parting, which order its reads and writes of payloads.
class Team {
 public:
  explicit Team(int size) : ranks_(static_cast<std::size_t>(size)) {}

  int size() const { return static_cast<int>(ranks_.size()); }

  // Waits until every rank is here with the same call. The last one prepares `scratch_bytes` of
  // common memory.
  void meet(int rank, const Call& call, std::size_t scratch_bytes = 0);
  // Waits until every rank is done with the payloads. Not even a failure cuts it short: memory that
  // others still read must not go.
  void part();

  void send(int rank, const Elements& in, int to);
  void receive(int rank, const Elements& out, int from);

  // Between meeting and parting; scratch until the next meeting.
  const Elements& payload(int rank) const { return state(rank).call->payload; }
  std::byte* scratch() { return scratch_.data(); }

  void fail(std::exception_ptr cause);
  void leave(int rank);
  std::exception_ptr failure() const { return failure_; }

 private:
  struct RankState {
    std::optional<Call> call;                          // the last collective
    std::string waits_in;                              // in words, while it waits
    const std::function<bool()>* may_go_on = nullptr;  // while it waits
    bool has_left = false;
  };

  RankState& state(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  const RankState& state(int rank) const { return ranks_[static_cast<std::size_t>(rank)]; }

  void wait(std::unique_lock<std::mutex>& lock, int rank, std::string waits_in,
            const std::function<bool()>& may_go_on);
  void check_failure(int rank) const;
  void check_agreement();
  void check_progress();
  void fail_locked(std::exception_ptr cause);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RankState> ranks_;
  int arrived_ = 0;
  std::uint64_t meetings_ = 0;
  int parted_ = 0;
  std::uint64_t partings_ = 0;
  std::vector<Letter*> letters_;
  std::vector<std::byte> scratch_;
  std::exception_ptr failure_;
};

void Team::meet(int rank, const Call& call, std::size_t scratch_bytes) {
  std::unique_lock lock(mutex_);
  check_failure(rank);
  state(rank).call = call;
  if (++arrived_ == size()) {
    check_agreement();
    check_failure(rank);
    scratch_.resize(std::max(scratch_.size(), scratch_bytes));
    arrived_ = 0;
    ++meetings_;
    changed_.notify_all();
    return;
  }
  const std::uint64_t meeting = meetings_;
  wait(lock, rank, call.what, [&] { return meetings_ != meeting; });
}

void Team::part() {
  std::unique_lock lock(mutex_);
  if (++parted_ == size()) {
    parted_ = 0;
    ++partings_;
    changed_.notify_all();
    return;
  }
  const std::uint64_t parting = partings_;
  changed_.wait(lock, [&] { return partings_ != parting; });
}

void Team::send(int rank, const Elements& in, int to) {
  std::unique_lock lock(mutex_);
  check_failure(rank);
  Letter letter{rank, to, in};
  letters_.push_back(&letter);
  changed_.notify_all();
  try {
    wait(lock, rank, "send of " + to_string(in) + " to " + name_rank(to),
         [&] { return letter.taken; });
  } catch (...) {
    std::erase(letters_, &letter);
    throw;
  }
}

void Team::receive(int rank, const Elements& out, int from) {
  std::unique_lock lock(mutex_);
  check_failure(rank);
  const auto find = [&] {
    return std::find_if(letters_.begin(), letters_.end(), [&](const Letter* letter) {
      return letter->from == from && letter->to == rank;
    });
  };
  wait(lock, rank, "receive of " + to_string(out) + " from " + name_rank(from),
       [&] { return find() != letters_.end(); });
  const auto found = find();
  Letter& letter = **found;
  if (letter.payload.count != out.count || letter.payload.type != out.type) {
    fail_locked(std::make_exception_ptr(Error(
        ExitCode::kDisagreement, name_rank(from) + " sends " + to_string(letter.payload) + " to " +
                                     name_rank(rank) + ", which waits for " + to_string(out))));
    check_failure(rank);
  }
  if (out.count > 0) std::memcpy(out.data, letter.payload.data, out.bytes());
  letters_.erase(found);
  letter.taken = true;
  changed_.notify_all();
}

void Team::fail(std::exception_ptr cause) {
  std::lock_guard lock(mutex_);
  fail_locked(std::move(cause));
}

void Team::leave(int rank) {
  std::lock_guard lock(mutex_);
  state(rank).has_left = true;
  check_progress();
}

void Team::wait(std::unique_lock<std::mutex>& lock, int rank, std::string waits_in,
                const std::function<bool()>& may_go_on) {
  state(rank).waits_in = std::move(waits_in);
  state(rank).may_go_on = &may_go_on;
  check_progress();
  changed_.wait(lock, [&] { return failure_ != nullptr || may_go_on(); });
  const bool done = may_go_on();
  state(rank).may_go_on = nullptr;
  if (!done) check_failure(rank);
}

void Team::check_failure(int rank) const {
  if (failure_ == nullptr) return;
  throw Error(ExitCode::kDevice, name_rank(rank) + " of " + std::to_string(size()) +
                                     " leaves, for the run has failed elsewhere");
}

void Team::check_agreement() {
  const std::string& first = state(0).call->what;
  for (int rank = 1; rank < size(); ++rank) {
    const std::string& other = state(rank).call->what;
    if (other == first) continue;
    fail_locked(std::make_exception_ptr(
        Error(ExitCode::kDisagreement, "ranks disagree: " + name_rank(0) + " calls " + first +
                                           ", " + name_rank(rank) + " calls " + other)));
    return;
  }
}

// When every rank that is still here waits, and for what nobody can bring, they would wait forever.
void Team::check_progress() {
  std::string who;
  for (int rank = 0; rank < size(); ++rank) {
    const RankState& other = state(rank);
    if (!other.has_left && (other.may_go_on == nullptr || (*other.may_go_on)())) return;
    who += (rank == 0 ? "" : ", ") + name_rank(rank) +
           (other.has_left ? " has returned" : " waits in " + other.waits_in);
  }
  const bool somebody_waits = std::any_of(ranks_.begin(), ranks_.end(),
                                          [](const RankState& other) { return !other.has_left; });
  if (!somebody_waits) return;
  fail_locked(std::make_exception_ptr(
      Error(ExitCode::kDisagreement, "ranks wait for calls that nobody makes: " + who)));
}

void Team::fail_locked(std::exception_ptr cause) {
  if (failure_ == nullptr) failure_ = std::move(cause);
  changed_.notify_all();
}

template <class T>
T reduce_two(Reduction reduction, T a, T b) {
  switch (reduction) {
    case Reduction::kSum:
      return a + b;
    case Reduction::kMin:
      return std::min(a, b);
    case Reduction::kMax:
      break;
  }
  return std::max(a, b);
}

// out[i] = reduction over ranks of their payload[first + i], rank 0 first.
template <class T>
void reduce_ranks(const Team& team, Reduction reduction, std::size_t first, std::size_t count,
                  void* out) {
  for (std::size_t i = 0; i < count; ++i) {
    T value = static_cast<const T*>(team.payload(0).data)[first + i];
    for (int rank = 1; rank < team.size(); ++rank) {
      value =
          reduce_two(reduction, value, static_cast<const T*>(team.payload(rank).data)[first + i]);
    }
    static_cast<T*>(out)[i] = value;
  }
}

void reduce_ranks(const Team& team, Reduction reduction, ElementType type, std::size_t first,
                  std::size_t count, void* out) {
  switch (type) {
    case ElementType::kFloat32:
      return reduce_ranks<float>(team, reduction, first, count, out);
    case ElementType::kFloat64:
      return reduce_ranks<double>(team, reduction, first, count, out);
    case ElementType::kUint64:
      return reduce_ranks<std::uint64_t>(team, reduction, first, count, out);
    case ElementType::kByte:
      break;  // refused by Communicator
  }
}

void move_elements(const Elements& from, const Elements& to) {
  if (from.count > 0 && from.data != to.data) std::memcpy(to.data, from.data, from.bytes());
}

std::string describe_slices(std::span<const std::size_t> counts) {
  std::string text = " in slices of";
  for (std::size_t count : counts) text.append(" ").append(std::to_string(count));
  return text;
}

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(Team& team, int rank) : team_(team), rank_(rank) {}

  std::string name() const override { return "thread"; }
  int rank() const override { return rank_; }
  int size() const override { return team_.size(); }
  DeviceKind memory() const override { return DeviceKind::kCpu; }

  [[noreturn]] void abort(int code) override {
    const Error error(static_cast<ExitCode>(code),
                      name_rank(rank_) + " of " + std::to_string(size()) +
                          " aborts with exit code " + std::to_string(code));
    team_.fail(std::make_exception_ptr(error));
    throw error;
  }

 protected:
  void do_all_reduce(const Stream&, Elements inout, Reduction reduction) override {
    const Call call{"all_reduce of " + to_string(inout) + " by " + bayesum::to_string(reduction),
                    inout};
    team_.meet(rank_, call, inout.bytes());
    const Range mine =
        even_part(inout.count, static_cast<std::size_t>(size()), static_cast<std::size_t>(rank_));
    reduce_ranks(team_, reduction, inout.type, mine.first, mine.size(),
                 team_.scratch() + mine.first * size_of(inout.type));
    team_.part();
    if (inout.count > 0) std::memcpy(inout.data, team_.scratch(), inout.bytes());
  }

  void do_reduce_scatter(const Stream&, Elements in, std::span<const std::size_t> counts,
                         Elements out) override {
    const Call call{"reduce_scatter of " + to_string(in) + describe_slices(counts), in};
    team_.meet(rank_, call);
    std::size_t first = 0;
    for (int rank = 0; rank < rank_; ++rank) first += counts[static_cast<std::size_t>(rank)];
    reduce_ranks(team_, Reduction::kSum, in.type, first, out.count, out.data);
    team_.part();
  }

  void do_all_gather(const Stream&, Elements in, std::span<const std::size_t> counts,
                     Elements out) override {
    const Call call{"all_gather of " + to_string(out) + describe_slices(counts), in};
    team_.meet(rank_, call);
    std::size_t first = 0;
    for (int rank = 0; rank < size(); ++rank) {
      const std::size_t count = counts[static_cast<std::size_t>(rank)];
      move_elements(team_.payload(rank), out.part(first, count));
      first += count;
    }
    team_.part();
  }

  void do_broadcast(const Stream&, Elements inout, int root) override {
    const Call call{"broadcast of " + to_string(inout) + " from " + name_rank(root), inout};
    team_.meet(rank_, call);
    if (rank_ != root) move_elements(team_.payload(root), inout);
    team_.part();
  }

  void do_send(const Stream&, Elements in, int to) override { team_.send(rank_, in, to); }
  void do_receive(const Stream&, Elements out, int from) override {
    team_.receive(rank_, out, from);
  }
  void do_barrier(const Stream&) override {
    team_.meet(rank_, {"barrier", Elements(std::span<std::byte>())});
  }

 private:
  Team& team_;
  int rank_;
};

void run_rank(Team& team, int rank, const std::function<void(Communicator&)>& body) {
  try {
    ThreadCommunicator communicator(team, rank);
    body(communicator);
    team.leave(rank);
  } catch (...) {
    team.fail(std::current_exception());
  }
}

}  // namespace

void run_on_threads(int ranks, const std::function<void(Communicator&)>& body) {
  if (ranks < 1) throw Error(ExitCode::kUsage, "a run needs one rank at least");
  Team team(ranks);
  {
    std::vector<std::jthread> threads;
    try {
      for (int rank = 0; rank < ranks; ++rank) {
        threads.emplace_back([&team, rank, &body] { run_rank(team, rank, body); });
      }
    } catch (...) {
      team.fail(std::current_exception());
    }
  }
  if (team.failure() != nullptr) std::rethrow_exception(team.failure());
}

}  // namespace bayesum
