#include "paracord/core/entry.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"
#include "paracord/core/loading.h"

namespace paracord::detail {

namespace {

constexpr int module_shift = 40;
constexpr int most_spellings = 100;  // of one path
constexpr std::uint64_t offset_mask = (std::uint64_t{1} << module_shift) - 1;

struct LoadedModule {
  std::string path;
  std::uintptr_t bias = 0;            // what its addresses in the file are shifted by
  std::uintptr_t begin = 0, end = 0;  // none once the module is closed
  std::uint64_t device = 0, inode = 0;
  // As it was when it was first asked for: at the end of the program, entries go one by one.
  std::optional<std::uint64_t> digest{};
  bool contains(std::uintptr_t address) const { return address >= begin && address < end; }
};

// A module gets its number with its first entry and keeps it: one that is closed and opened again
// is another.
struct Registry {
  std::set<const Entry*> entries;
  std::vector<LoadedModule> modules;                // by number; 0: the executable
  std::map<std::uint32_t, std::uintptr_t> adopted;  // biases here of the sender's modules
};

Guarded<Registry>& registry() {
  // Never destroyed: entries register while libraries load and leave while the program ends.
  static auto& instance = *new Guarded<Registry>();
  return instance;
}

std::string executable_path() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "";
}

std::vector<LoadedModule> loaded_modules() {
  std::vector<LoadedModule> modules;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& all = *static_cast<std::vector<LoadedModule>*>(data);
        LoadedModule module{info->dlpi_name, info->dlpi_addr, UINTPTR_MAX, 0};
        for (int i = 0; i != info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD) continue;
          const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          module.begin = std::min(module.begin, begin);
          module.end = std::max(module.end, begin + header.p_memsz);
        }
        if (all.empty() && module.path.empty()) module.path = executable_path();
        all.push_back(std::move(module));
        return 0;
      },
      &modules);
  return modules;
}

LoadedModule module_at(std::uintptr_t address) {
  for (LoadedModule& module : loaded_modules()) {
    if (module.contains(address)) return std::move(module);
  }
  throw std::logic_error("a function's registration lies in no loaded module");
}

std::uintptr_t address_of(const Entry& entry) {
  return reinterpret_cast<std::uintptr_t>(&entry);
}

// Remembers the file as it is now, while the module is being loaded: it may be replaced later, and
// a relative path may lead elsewhere.
void add_module(Registry& known, LoadedModule module) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(module.path, failed);
  if (!failed) module.path = path;
  struct stat file {};
  if (stat(module.path.c_str(), &file) == 0) {
    module.device = file.st_dev;
    module.inode = file.st_ino;
  }
  known.modules.push_back(std::move(module));
}

std::size_t number_of(const Registry& known, const Entry& entry) {
  std::size_t number = 0;
  while (number != known.modules.size() && !known.modules[number].contains(address_of(entry)))
    ++number;
  return number;
}

// FNV-1a over the places of a module's entries, in order.
std::uint64_t digest_of(const Registry& known, const LoadedModule& module) {
  std::uint64_t digest = 0xcbf29ce484222325u;
  const auto* first = reinterpret_cast<const Entry*>(module.begin);
  for (auto entry = known.entries.lower_bound(first);
       entry != known.entries.end() && reinterpret_cast<std::uintptr_t>(*entry) < module.end;
       ++entry) {
    std::uint64_t place = reinterpret_cast<std::uintptr_t>(*entry) - module.bias;
    for (int byte = 0; byte != 8; ++byte, place >>= 8)
      digest = (digest ^ (place & 0xff)) * 0x100000001b3u;
  }
  return digest;
}

bool is_file_of(const ModuleName& name, std::uint64_t device, std::uint64_t inode) {
  return name.device == device && name.inode == inode;
}

[[noreturn]] void refuse_replaced(const ModuleName& name) {
  throw BackendUnavailable("the shared object " + name.path +
                           " was replaced on disk since the program loaded it; start the program "
                           "again, and then its functions can run in worker processes");
}

LoadedModule open_module(const std::string& path) {
  // Opened for good: tasks of it may come at any time.
  const LoadingScope loading;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw BackendUnavailable("the shared object " + path +
                             " cannot be loaded into a worker process: " + dlerror() +
                             "; it must not need symbols of the program that it is loaded into");
  }
  link_map* map = nullptr;
  dlinfo(handle, RTLD_DI_LINKMAP, &map);
  return module_at(reinterpret_cast<std::uintptr_t>(map->l_ld));
}

// The file that a module was loaded from, as it was then.
bool was_loaded_from(const LoadedModule& module, const ModuleName& name) {
  return registry().with([&](const Registry& known) {
    for (const LoadedModule& other : known.modules) {
      if (other.begin == module.begin) return is_file_of(name, other.device, other.inode);
    }
    return true;  // it has no entries, which is found out later
  });
}

LoadedModule load(const ModuleName& name) {
  if (name.number == 0) return loaded_modules().front();
  struct stat file {};
  if (stat(name.path.c_str(), &file) != 0 || !is_file_of(name, file.st_dev, file.st_ino))
    refuse_replaced(name);
  // The loader knows what is loaded by name, then by file: where an older file of this name is here
  // already, the new one is to be had by another spelling.
  std::string path = name.path;
  for (int spelling = 0; spelling != most_spellings; ++spelling) {
    LoadedModule module = open_module(path);
    if (was_loaded_from(module, name)) return module;
    path.insert(path.rfind('/') + 1, "./");
  }
  refuse_replaced(name);
}

}  // namespace

Entry::Entry(RunEncoded run) noexcept : run_(run) {
  registry().with([this](Registry& known) {
    if (known.modules.empty()) add_module(known, loaded_modules().front());
    if (number_of(known, *this) == known.modules.size())
      add_module(known, module_at(address_of(*this)));
    known.entries.insert(this);
  });
}

Entry::~Entry() {
  registry().with([this](Registry& known) {
    known.entries.erase(this);
    LoadedModule& module = known.modules[number_of(known, *this)];
    const auto next = known.entries.lower_bound(reinterpret_cast<const Entry*>(module.begin));
    const bool last = next == known.entries.end() || !module.contains(address_of(**next));
    if (last) module.begin = module.end = 0;
  });
}

std::uint64_t Entry::find_reference() {
  return registry().with([this](Registry& known) {
    const std::size_t number = number_of(known, *this);
    if (number == known.modules.size()) {
      throw BackendUnavailable(
          "a task's function is not known yet: the call is made while the global objects of its "
          "program or library are constructed; make the call behind the first line of main");
    }
    const std::uint64_t reference =
        std::uint64_t{number} << module_shift | (address_of(*this) - known.modules[number].bias);
    reference_.store(reference, std::memory_order_relaxed);
    return reference;
  });
}

ModuleName module_of(std::uint64_t reference) {
  return registry().with([&](Registry& known) {
    const auto number = static_cast<std::uint32_t>(reference >> module_shift);
    if (number >= known.modules.size()) throw std::logic_error("no module has this number");
    LoadedModule& module = known.modules[number];
    if (!module.digest) module.digest = digest_of(known, module);
    return ModuleName{number, module.path, module.device, module.inode, *module.digest};
  });
}

void adopt_module(const ModuleName& name) {
  const LoadedModule module = load(name);
  registry().with([&](Registry& known) {
    if (digest_of(known, module) != name.digest) {
      throw BackendUnavailable(
          module.path +
          " has other functions in the worker process than in the program: it was built anew, or "
          "the worker runs another executable; start the program again");
    }
    known.adopted.insert_or_assign(name.number, module.bias);
  });
}

Entry& find_entry(std::uint64_t reference) {
  return registry().with([&](Registry& known) -> Entry& {
    const auto module = known.adopted.find(static_cast<std::uint32_t>(reference >> module_shift));
    if (module != known.adopted.end()) {
      const auto* entry = reinterpret_cast<Entry*>(module->second + (reference & offset_mask));
      if (known.entries.contains(entry)) return *const_cast<Entry*>(entry);
    }
    throw SerializationError("a task names a function that this worker's program does not have");
  });
}

}  // namespace paracord::detail
