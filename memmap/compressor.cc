#include "paracord/memmap/compressor.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "paracord/core/guarded.h"

namespace paracord {

namespace {

using detail::Guarded;
using Compressors = std::vector<Compressor>;

// Never destroyed: values may be dumped while the program ends.
Guarded<Compressors>& compressors() {
  using namespace detail;  // NOLINT: the list reads better
  static auto& all =
      *new Guarded<Compressors>(zlib_compressor(), gzip_compressor(), bz2_compressor(),
                                xz_compressor(), lz4_compressor(), zstd_compressor());
  return all;
}

void check(const Compressor& added) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument("the compressor '" + added.name + "' " + what);
  };
  if (added.name.empty() || added.name == "none" || added.name.find(':') != std::string::npos)
    refuse("needs a name of its own, without a colon, that is not 'none'");
  if (added.magic.empty() || added.magic.size() > detail::most_magic)
    refuse("needs 1 to 16 magic bytes that its files begin with: load() knows them by these");
  if (added.extension.size() == 1 || (!added.extension.empty() && added.extension[0] != '.'))
    refuse("has the extension '" + added.extension + "'; it begins with a dot, or is empty");
  if (added.compress == nullptr || added.decompress == nullptr)
    refuse("has no function to compress, or none to decompress");
  if (added.lowest_level > added.default_level || added.default_level > added.highest_level)
    refuse("has a default level outside of its levels");
}

// The one that `added` cannot stand beside.
bool clashes(const Compressor& known, const Compressor& added) {
  return known.name == added.name || known.magic == added.magic ||
         (!added.extension.empty() && known.extension == added.extension);
}

std::string listed_names() {
  std::string names;
  for (const std::string& name : compressor_names()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

int parse_level(std::string_view text, const std::string& whole) {
  int level = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), level);
  if (failed != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument("the compression '" + whole +
                                "' has no number behind the colon; write 'zstd:9'");
  }
  return level;
}

std::optional<Compressor> find_if(const auto& matches) {
  return compressors().with([&](const Compressors& all) -> std::optional<Compressor> {
    const auto found = std::find_if(all.begin(), all.end(), matches);
    if (found == all.end()) return std::nullopt;
    return *found;
  });
}

}  // namespace

void register_compressor(const Compressor& compressor, bool replace) {
  check(compressor);
  compressors().with([&](Compressors& all) {
    for (const Compressor& known : all) {
      if (replace || !clashes(known, compressor)) continue;
      throw std::invalid_argument("the compressor '" + compressor.name +
                                  "' has the name, extension or magic bytes of '" + known.name +
                                  "', which is there; choose others, or pass replace = true");
    }
    std::erase_if(all, [&](const Compressor& known) { return clashes(known, compressor); });
    all.push_back(compressor);
  });
}

std::vector<std::string> compressor_names() {
  return compressors().with([](const Compressors& all) {
    std::vector<std::string> names;
    for (const Compressor& compressor : all) names.push_back(compressor.name);
    return names;
  });
}

namespace detail {

std::optional<Compression> choose_compression(const std::string& name, const std::string& path,
                                              std::optional<int> level, int threads) {
  if (threads < 0) {
    throw std::invalid_argument("threads = " + std::to_string(threads) +
                                ": there cannot be fewer than none; 0 uses only this one");
  }
  const std::string method = name.substr(0, name.find(':'));
  if (method.size() != name.size())
    level = parse_level(std::string_view(name).substr(method.size() + 1), name);
  if (method == "none") return std::nullopt;
  std::optional<Compressor> found = find_if([&](const Compressor& known) {
    return method.empty() ? !known.extension.empty() && path.ends_with(known.extension)
                          : known.name == method;
  });
  if (!found && !method.empty()) {
    throw std::invalid_argument("there is no compressor '" + method + "'; there are: none, " +
                                listed_names());
  }
  if (!found && level) {
    throw std::invalid_argument("a compression level was given for '" + path +
                                "', but no compressor, neither by name nor by extension");
  }
  if (!found) return std::nullopt;
  const int chosen = level.value_or(found->default_level);
  if (chosen < found->lowest_level || chosen > found->highest_level) {
    throw std::invalid_argument("the level " + std::to_string(chosen) + " of '" + found->name +
                                "' is not one of " + std::to_string(found->lowest_level) + " to " +
                                std::to_string(found->highest_level));
  }
  return Compression{*found, chosen, threads};
}

std::optional<Compressor> find_compressor(std::string_view start) {
  return find_if([&](const Compressor& known) { return start.starts_with(known.magic); });
}

}  // namespace detail
}  // namespace paracord
