#include "paracord/cache/memory.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "paracord/core/guarded.h"
#include "paracord/memmap/compressor.h"

namespace paracord {

namespace {

void check_storage(const std::optional<MmapMode>& mode, const std::string& compress) {
  if (mode && mode != MmapMode::read && mode != MmapMode::copy_on_write) {
    throw std::invalid_argument(
        "mmap_mode: results in a cache are mapped with MmapMode::read or "
        "MmapMode::copy_on_write; what is written through another mode would change what later "
        "calls return");
  }
  const auto compression = detail::choose_compression(compress, "", std::nullopt, 0);
  if (compression && compression->compressor.name.size() > detail::most_compressor_name) {
    throw std::invalid_argument("compress: the name '" + compression->compressor.name +
                                "' is too long for an entry; 15 characters are the most");
  }
  if (mode && compression) {
    throw std::invalid_argument("compress = '" + compress +
                                "' and mmap_mode cannot be had together: what is compressed "
                                "cannot be mapped; leave one of them out");
  }
}

void check_limits(const SizeLimits& limits) {
  if (limits.age && limits.age->count() < 0)
    throw std::invalid_argument("limits.age is negative; it is the time since the last use");
}

// A folder's name: what is readable of the function's, and a digest for the rest.
std::string folder_of(const std::string& name) {
  constexpr std::size_t most = 80;
  std::string folder;
  for (const char c : name.substr(0, most)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    if (plain) folder += c;
    if (!plain && !folder.empty() && folder.back() != '.') folder += '.';
  }
  return folder + "-" + hash(name).to_string().substr(0, 8);
}

struct Claim {
  std::string function;
  std::uint64_t reference;
};

// Two functions with the same name, version and parameters have the same keys: each would be given
// the other's results.
void claim_name(const std::string& location, const detail::FunctionSpec& spec,
                const std::string& types, const Claim& claim) {
  using Name = std::tuple<std::string, std::string, std::string, std::string>;
  static auto& claims = *new detail::Guarded<std::map<Name, Claim>>;  // used while programs end
  const Claim first = claims.with([&](auto& all) {
    return all.try_emplace(Name(location, spec.folder, spec.version, types), claim).first->second;
  });
  constexpr int module_shift = 40;  // of references: a function in several modules is one
  const bool same_module = first.reference >> module_shift == claim.reference >> module_shift;
  if (first.function == claim.function && (!same_module || first.reference == claim.reference))
    return;
  throw std::invalid_argument(
      "cache: two functions, " + first.function + " and " + claim.function +
      (first.function == claim.function ? " (another one of that name)" : "") +
      ", would be cached as '" + spec.name + "', version '" + spec.version +
      "', and each would be given the other's results; give each a .name of its own");
}

}  // namespace

Memory::Memory(MemoryOptions options) : options_(std::move(options)) {
  check_storage(options_.mmap_mode, options_.compress);
  check_limits(options_.limits);
  if (options_.location.empty()) return;
  detail::CacheSpec spec{std::filesystem::absolute(options_.location).lexically_normal(),
                         options_.backend, options_.backend_options, options_.limits};
  cache_ = std::make_shared<detail::Cache>(std::move(spec), options_.on_warning);
  detail::announce_cache(cache_);
}

std::shared_ptr<const detail::FunctionSpec> Memory::describe(const CacheOptions& options,
                                                             std::string (*name)(),
                                                             std::string (*types)(),
                                                             detail::Entry* entry) const {
  if (!options.version.empty() && options.name.empty()) {
    throw std::invalid_argument("cache: the version '" + options.version +
                                "' needs a .name, too: the compiler's name of the function may "
                                "change, or belong to two");
  }
  auto spec = std::make_shared<detail::FunctionSpec>();
  spec->name = options.name.empty() ? name() : options.name;
  spec->folder = folder_of(spec->name);
  spec->mmap_mode = options.mmap_mode ? options.mmap_mode : options_.mmap_mode;
  spec->compress = options.compress.value_or(options_.compress);
  spec->verbose = options.verbose.value_or(options_.verbose);
  spec->expires_after = options.expires_after;
  check_storage(spec->mmap_mode, spec->compress);
  if (cache_ == nullptr) return spec;
  spec->version =
      options.version.empty() ? detail::function_identity(entry->reference()) : options.version;
  if (!options.version.empty())
    claim_name(cache_->spec().location, *spec, types(), {name(), entry->reference()});
  return spec;
}

void Memory::clear() const {
  if (cache_ != nullptr) cache_->store().clear_all();
}

std::size_t Memory::reduce_size(const SizeLimits& limits) const {
  check_limits(limits);
  return cache_ == nullptr ? 0 : detail::reduce_size(cache_->store(), limits).size();
}

MemoryStatistics Memory::statistics() const {
  return cache_ == nullptr ? MemoryStatistics{} : cache_->statistics();
}

namespace detail {

void refuse_missing(const FunctionSpec& function, const Digest& key) {
  throw std::out_of_range("the shelved result of " + function.name + " (" + key.to_string() +
                          ") is not in the cache any more; make the call again");
}

}  // namespace detail
}  // namespace paracord
