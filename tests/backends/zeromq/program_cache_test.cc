// Programs of clients, as a node keeps them.

#include "paracord/backends/zeromq/program_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace paracord::cluster {
namespace {

namespace fs = std::filesystem;

class Programs : public testing::Test {
 protected:
  ~Programs() override { fs::remove_all(folder_); }
  // One of two files, which differ from those of other names.
  Program added(const std::string& name) {
    Program program;
    for (const std::string& file : {name, "lib" + name + ".so"}) {
      const std::string content = "what is in " + file;
      ProgramFile about;
      about.name = file;
      about.sha256 = sha256_of(std::as_bytes(std::span(content)));
      about.content.bytes = content.size();
      EXPECT_TRUE(cache_.add(about, std::as_bytes(std::span(content))).ok());
      program.files.push_back(about);
    }
    return program;
  }
  ProgramCache::Ready prepared(const Program& program) {
    ProgramCache::Ready ready;
    const Status status = cache_.prepare(program, ready);
    EXPECT_TRUE(status.ok()) << status.message();
    return ready;
  }

  static std::string new_folder() {
    std::string pattern = fs::temp_directory_path() / "paracord-programs-XXXXXX";
    return mkdtemp(pattern.data());
  }
  const std::string folder_ = new_folder();
  ProgramCache cache_{{folder_, std::size_t{1} << 20}};
};

TEST_F(Programs, StandSideBySideUnderTheirNames) {
  const ProgramCache::Ready ready = prepared(added("simulate"));
  EXPECT_EQ(fs::path(ready.executable).filename(), "simulate");
  EXPECT_TRUE(fs::exists(ready.executable));
  EXPECT_TRUE(fs::exists(fs::path(ready.libraries) / "libsimulate.so"));
}

TEST_F(Programs, AreThereForTheNextCall) {
  const Program program = added("simulate");
  EXPECT_FALSE(cache_.take(program));
  const ProgramCache::Ready first = prepared(program);
  EXPECT_FALSE(cache_.release(program));
  const auto second = cache_.take(program);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->executable, first.executable);
  EXPECT_FALSE(cache_.take(added("other")));
}

TEST_F(Programs, ThatNobodyUsesGoWhenOthersCome) {
  std::vector<Program> programs;
  for (int i = 0; i != 6; ++i) {
    programs.push_back(added("simulate" + std::to_string(i)));
    (void)prepared(programs.back());
  }
  const ProgramCache::Ready used = prepared(programs.front());  // twice
  for (const Program& program : programs) {
    if (cache_.release(program)) cache_.tidy();
  }
  EXPECT_TRUE(fs::exists(used.executable));
  EXPECT_FALSE(cache_.take(programs[1]));  // released first, and unused
  for (int i = 2; i != 6; ++i) EXPECT_TRUE(cache_.take(programs[static_cast<std::size_t>(i)]));
}

TEST_F(Programs, ComeBackToAFolderThatWasEmptied) {
  const Program program = added("simulate");
  const ProgramCache::Ready ready = prepared(program);
  (void)cache_.release(program);
  fs::remove_all(ready.libraries);
  EXPECT_FALSE(cache_.take(program));
  EXPECT_TRUE(fs::exists(prepared(program).executable));
  EXPECT_TRUE(cache_.take(program));
}

TEST_F(Programs, ThatAreNotWhatTheySayAreRefused) {
  ProgramFile file;
  file.name = "simulate";
  file.sha256 = std::string(64, '0');
  const std::string content = "something else";
  file.content.bytes = content.size();
  const Status status = cache_.add(file, std::as_bytes(std::span(content)));
  EXPECT_EQ(status.code(), StatusCode::unavailable);
  EXPECT_NE(status.message().find("simulate"), std::string::npos) << status.message();
  EXPECT_FALSE(cache_.has(file));
}

}  // namespace
}  // namespace paracord::cluster
