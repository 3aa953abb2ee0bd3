#include "core/message.hpp"

#include <array>

#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {

Message::Message(std::size_t payload_size, Device device)
    : payload_size_(payload_size), wire_(device, payload_size + kScalars) {}

void Message::clear(const Stream& stream) { apply(stream, Fill{0.0, wire_.data()}, wire_.size()); }

void Message::count(const Stream& stream, Scalar scalar, double amount) {
  const std::span<double> slot = wire().subspan(payload_size_ + scalar, 1);
  std::array<double, 1> value;
  copy(stream, std::span<const double>(slot), std::span<double>(value));
  value[0] += amount;
  copy(stream, std::span<const double>(value), slot);
}

void Message::count_nonfinite(const Stream& stream) {
  const std::uint64_t found =
      bayesum::count_nonfinite(stream, std::as_const(*this).wire().first(payload_size_ + 1));
  if (found > 0) count(stream, kNonFinite, static_cast<double>(found));
}

void Message::add(const Stream& stream, const Message& other) {
  apply(stream, AddScaled{1.0, other.wire().data(), wire_.data()}, wire_.size());
}

void Message::subtract(const Stream& stream, const Message& other) {
  apply(stream, AddScaled{-1.0, other.wire().data(), wire_.data()}, wire_.size());
}

void Message::scale(const Stream& stream, double factor) {
  apply(stream, Scale{factor, wire_.data()}, wire_.size());
}

}  // namespace bayesum
