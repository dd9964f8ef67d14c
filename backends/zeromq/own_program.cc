#include "paracord/backends/zeromq/own_program.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "paracord/backends/zeromq/program_cache.h"
#include "paracord/core/entry.h"
#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/object_name.h"

namespace paracord::cluster {

namespace {

constexpr std::array<std::string_view, 4> system_folders = {"/lib/", "/lib64/", "/usr/lib/",
                                                            "/usr/lib64/"};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Nodes have these, or are told what is missing; but this library must be the program's own.
bool is_of_the_system(const std::string& path) {
  if (base_name(path).starts_with("libparacord_")) return false;
  for (const std::string_view folder : system_folders) {
    if (path.starts_with(folder)) return true;
  }
  return false;
}

std::vector<std::string> loaded_files() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& all = *static_cast<std::vector<std::string>*>(data);
        all.push_back(all.empty() ? "/proc/self/exe" : info->dlpi_name);
        return 0;
      },
      &paths);
  return paths;
}

std::string executable_name() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? base_name(std::string(path, static_cast<std::size_t>(length))) : "program";
}

// A whole file, mapped.
struct FileBytes {
  explicit FileBytes(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (fd < 0 || fstat(fd, &about) != 0)
      throw BackendUnavailable("zeromq: the program's file " + path +
                               " cannot be read, to be sent to nodes");
    size = static_cast<std::size_t>(about.st_size);
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
      throw BackendUnavailable("zeromq: the program's file " + path + " cannot be mapped");
    data = static_cast<const std::byte*>(mapped);
  }
  FileBytes(const FileBytes&) = delete;
  ~FileBytes() { munmap(const_cast<std::byte*>(data), size); }
  const std::byte* data = nullptr;
  std::size_t size = 0;
};

}  // namespace

struct OwnProgram::State {
  explicit State(Offers& given) : offers(given) {}
  Offers& offers;
  struct Known {
    std::map<std::string, ProgramFile> files;  // by path
    std::vector<Offers::Offer> offered;
  };
  detail::Guarded<Known> known;

  ProgramFile file(Known& all, const std::string& path) {
    const auto found = all.files.find(path);
    if (found != all.files.end()) return found->second;
    const auto bytes = std::make_shared<const FileBytes>(path);
    const auto table = name_object({bytes->data, bytes->size});
    ProgramFile made{base_name(path), table->id, sha256_of({bytes->data, bytes->size})};
    all.offered.push_back(offers.add(table, bytes->data, bytes));
    return all.files.emplace(path, std::move(made)).first->second;
  }
};

OwnProgram::OwnProgram(Offers& offers) : state_(std::make_unique<State>(offers)) {}

OwnProgram::~OwnProgram() = default;

Program OwnProgram::about() {
  Program program;
  utsname machine{};
  uname(&machine);
  program.architecture = machine.machine;
  program.c_library = gnu_get_libc_version();
  program.name = executable_name();
  return program;
}

Program OwnProgram::describe() {
  Program program = about();
  state_->known.with([&](State::Known& known) {
    for (const std::string& path : loaded_files()) {
      // The kernel's own object has no file.
      if (path.find('/') == std::string::npos || is_of_the_system(path)) continue;
      ProgramFile file = state_->file(known, path);
      if (program.files.empty()) file.name = program.name;
      program.files.push_back(std::move(file));
    }
  });
  return program;
}

ModuleUse OwnProgram::module(std::uint32_t number, std::uint64_t reference, bool ship) {
  const detail::ModuleName name = detail::module_of(reference);
  ModuleUse use{number, name.path, name.device, name.inode, name.digest, {}, {}};
  if (number == 0 || !ship) return use;
  const ProgramFile file =
      state_->known.with([&](State::Known& known) { return state_->file(known, name.path); });
  use.content = file.content;
  use.sha256 = file.sha256;
  return use;
}

}  // namespace paracord::cluster
