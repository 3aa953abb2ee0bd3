#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <spdlog/logger.h>

namespace bayesum {

// What a rank has to say: rank 0 from `level` on, other ranks warnings and errors, each line with
// its rank, to the file that all of them extend; warnings go to stderr too. A file that cannot be
// opened (a folder that this host does not see) is done without on all ranks but 0, where it is
// Error(kFile).
std::shared_ptr<spdlog::logger> make_log(const std::filesystem::path& file,
                                         const std::string& level, int rank);

}  // namespace bayesum
