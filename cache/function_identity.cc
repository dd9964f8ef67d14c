#include "paracord/cache/function_identity.h"

#include <sys/stat.h>

#include <map>
#include <stdexcept>

#include "paracord/core/guarded.h"
#include "paracord/memmap/hash_stream.h"
#include "paracord/memmap/mapped_file.h"

namespace paracord::detail {

namespace {

constexpr int module_shift = 40;  // of references; see core/entry.h

std::string digest_of_file(const ModuleName& module) {
  // The file that runs, also where another has taken its name.
  const std::string path = module.number == 0 ? "/proc/self/exe" : module.path;
  const auto file = std::make_shared<OpenFile>(path, MmapMode::read);
  struct stat about {};
  if (fstat(file->fd(), &about) != 0 || about.st_dev != module.device ||
      about.st_ino != module.inode) {
    throw std::runtime_error("'" + module.path +
                             "' was replaced on disk since the program loaded it, so it cannot be "
                             "told which results its functions made; start the program again, or "
                             "give the cached function a .name and a .version");
  }
  const auto bytes = map_file(file, MmapMode::copy_on_write, 0, file->bytes());
  return digest_of(bytes->data, bytes->bytes).to_string();
}

}  // namespace

std::string function_identity(std::uint64_t entry_reference) {
  static auto& known = *new Guarded<std::map<std::uint32_t, std::string>>;
  const ModuleName module = module_of(entry_reference);
  std::string digest = known.with([&](const auto& digests) {
    const auto found = digests.find(module.number);
    return found == digests.end() ? std::string() : found->second;
  });
  if (digest.empty()) {
    digest = digest_of_file(module);
    known.with([&](auto& digests) { digests.insert_or_assign(module.number, digest); });
  }
  const std::uint64_t place = entry_reference & ((std::uint64_t{1} << module_shift) - 1);
  return digest + "+" + std::to_string(place);
}

}  // namespace paracord::detail
