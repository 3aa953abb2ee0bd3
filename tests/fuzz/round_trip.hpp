#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/config.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

// Reads the bytes as a configuration, which says the same once it has been written and read back.
template <class Config>
Config round_trip(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Config config;
  Fields fields = config.fields();
  parse_config(text, "input.toml", {}, fields);
  const std::string written = to_toml(fields);
  Config again;
  Fields again_fields = again.fields();
  parse_config(written, "written.toml", {}, again_fields);
  require(to_toml(again_fields) == written, "another configuration after writing");
  return config;
}

}  // namespace bayesum::fuzz
