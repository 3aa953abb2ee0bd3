#include "core/files/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

std::size_t files_in(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// Runs the body in a process of its own; its exit status.
template <class Body>
int status_of_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(AtomicFile, ReplacesTheFileByTheBytes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3} << 20}) {
    const std::string text(size, 'x');
    write_atomically(path, text);
    EXPECT_EQ(TemporaryFolder::read(path), text);
    EXPECT_EQ(files_in(folder.path()), 1u);
  }
}

TEST(AtomicFile, WritesBesideTheWorkingFolderToo) {
  const TemporaryFolder folder;
  EXPECT_EQ(status_of_child([&] {
              std::filesystem::current_path(folder.path());
              write_atomically("plain", "name");
              return TemporaryFolder::read("plain") == "name" ? 0 : 1;
            }),
            0);
}

TEST(AtomicFile, NamesThePathAndTheCause) {
  const TemporaryFolder folder;
  const std::string nowhere = folder.path() / "missing" / "a";
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { write_atomically(nowhere, "x"); }),
            "cannot write " + nowhere + ": No such file or directory");
  std::filesystem::create_directories(folder.path() / "taken" / "b");
  const std::string taken = folder.path() / "taken";
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { write_atomically(taken, "x"); }),
            "cannot write " + taken + ": Is a directory");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

// The system refuses to let the temporary file grow.
TEST(AtomicFile, TheOldFileStandsWhenTheNewOneCannotBeWritten) {
  const TemporaryFolder folder;
  const auto path = folder.file("a", "old");
  EXPECT_EQ(status_of_child([&] {
              const struct rlimit limit { 100000, 100000 };
              ::setrlimit(RLIMIT_FSIZE, &limit);
              ::signal(SIGXFSZ, SIG_IGN);
              const std::string text(1000000, 'x');
              return error_of(ExitCode::kFile, [&] { write_atomically(path, text); }) ==
                             "cannot write " + path.string() + ": File too large"
                         ? 0
                         : 1;
            }),
            0);
  EXPECT_EQ(TemporaryFolder::read(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, AFullDiskLosesNothingAndIsNamed) {
  const TemporaryFolder folder;
  const std::string sentence_path = folder.path() / "sentence";
  const auto disk = folder.path() / "disk";
  std::filesystem::create_directory(disk);
  constexpr int kNotAllowed = 77;
  const int status = status_of_child([&] {
    if (::unshare(CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
      return kNotAllowed;
    }
    TemporaryFolder::write(disk / "a", "old");
    const std::string text(2000000, 'x');
    TemporaryFolder::write(sentence_path,
                           error_of(ExitCode::kFile, [&] { write_atomically(disk / "a", text); }));
    return TemporaryFolder::read(disk / "a") == "old" && files_in(disk) == 1 ? 0 : 1;
  });
  if (status == kNotAllowed) GTEST_SKIP() << "this machine lets nobody mount a small disk";
  EXPECT_EQ(status, 0);
  const std::string free = std::to_string((1 << 20) - 4096);
  EXPECT_EQ(TemporaryFolder::read(sentence_path),
            "cannot write " + (disk / "a").string() +
                ": No space left on device (2000000 bytes needed, " + free + " free)");
}

// Another host may have a process of the same number, at work in the same folder.
TEST(AtomicFile, LeavesTheTemporaryFilesOfOthersAlone) {
  const TemporaryFolder folder;
  EXPECT_EQ(status_of_child([&] {
              const std::string path = folder.path() / "a";
              const std::string theirs = path + ".tmp-" + std::to_string(::getpid()) + "-";
              for (int i = 0; i < 100; ++i) TemporaryFolder::write(theirs + std::to_string(i), "b");
              write_atomically(path, "a");
              for (int i = 0; i < 100; ++i) {
                if (TemporaryFolder::read(theirs + std::to_string(i)) != "b") return 1;
              }
              return TemporaryFolder::read(path) == "a" ? 0 : 1;
            }),
            0);
}

TEST(AtomicFile, RemovesTheTemporaryFilesOfKilledWriters) {
  const TemporaryFolder folder;
  for (const char* name :
       {"a.tmp-12-0", "step-1.safetensors.tmp-3-45", "a", "a.tmp", "b.tmp-1-x"}) {
    folder.file(name, "");
  }
  remove_temporary_files(folder.path());
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    left.insert(entry.path().filename().string());
  }
  EXPECT_EQ(left, (std::set<std::string>{"a", "a.tmp", "b.tmp-1-x"}));
}

TEST(AtomicFile, ManyWritersLeaveOneWholeFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  {
    std::vector<std::jthread> writers;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      writers.emplace_back([&path, letter] {
        for (int i = 0; i < 20; ++i) write_atomically(path, std::string(100000, letter));
      });
    }
  }
  const std::string text = TemporaryFolder::read(path);
  EXPECT_EQ(text, std::string(100000, text.at(0)));
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, IsWholeAfterAnyKill) {
  const TemporaryFolder folder;
  const auto path = folder.file("a", std::string(300000, 'a'));
  std::mt19937 random(1);
  for (int trial = 0; trial < 40; ++trial) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
        write_atomically(path, std::string(300000 + static_cast<std::size_t>(letter), letter));
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string text = TemporaryFolder::read(path);
    ASSERT_GE(text.size(), 300000u);
    ASSERT_EQ(text, std::string(text.size(), text[0])) << "trial " << trial;
  }
}

}  // namespace
}  // namespace bayesum
