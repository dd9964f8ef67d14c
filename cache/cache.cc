#include "paracord/cache/cache.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>
#include <vector>

#include "paracord/cache/call_lines.h"
#include "paracord/cache/entry_writer.h"
#include "paracord/cache/verified_files.h"
#include "paracord/memmap/compressed_stream.h"

namespace paracord::detail {

namespace {

// What this thread is computing now. A call that meets itself, in a task that the thread runs while
// it waits, would wait for itself.
using Running = std::vector<std::pair<const Cache*, Digest>>;
Running& running() {
  static thread_local Running calls;
  return calls;
}

class RunningHere {
 public:
  RunningHere(const Cache* cache, const Digest& key) { running().emplace_back(cache, key); }
  RunningHere(const RunningHere&) = delete;
  ~RunningHere() { running().pop_back(); }
};

bool runs_here(const Cache* cache, const Digest& key) {
  const Running& calls = running();
  return std::find(calls.begin(), calls.end(), std::pair(cache, key)) != calls.end();
}

bool is_named(const FunctionSpec& function, const std::string& code) {
  return !code.empty() && function.name != code;
}

bool has_expired(const FunctionSpec& function, const EntryInfo& info) {
  return function.expires_after &&
         std::chrono::system_clock::now() - info.created >= *function.expires_after;
}

// A result without arrays has nothing to map.
std::optional<MmapMode> mapping_of(const FunctionSpec& function, const CallFrame& frame) {
  if (frame.type().text().find("Array<") == std::string::npos) return std::nullopt;
  return function.mmap_mode;
}

}  // namespace

bool CacheSpec::operator<(const CacheSpec& other) const {
  const auto parts = [](const CacheSpec& spec) {
    return std::tie(spec.location, spec.backend, spec.backend_options, spec.limits.bytes,
                    spec.limits.items, spec.limits.age);
  };
  return parts(*this) < parts(other);
}

Cache::Cache(CacheSpec spec, Warn warn)
    : spec_(std::move(spec)),
      warn_(std::move(warn)),
      store_(make_store(spec_.backend, {spec_.location, spec_.backend_options})) {}

MemoryStatistics Cache::statistics() const {
  return {hits_, misses_, damaged_, failed_stores_};
}

void Cache::warn(const FunctionSpec& function, const std::string& text) {
  if (warn_) {
    warn_(text);
  } else if (function.verbose > 0) {
    print_cache_line(text);
  }
}

void Cache::could_not_keep(const FunctionSpec& function, const std::string& why) {
  if (failed_stores_++ != 0 && !warn_) return;  // once is enough to read
  warn(function, "the result of " + function.name + " is not kept: " + why);
}

Cache::Opened Cache::open(const FunctionSpec& function, const Digest& key, bool wants_info) {
  Opened opened{store_->open({function.folder, key}), {}};
  if (opened.item == nullptr) return opened;
  auto start = read_entry_start(*opened.item, wants_info);
  if (!start) throw std::runtime_error("its start is damaged");
  opened.start = std::move(*start);
  return opened;
}

bool Cache::is_valid(const FunctionSpec& function, const EntryStart& start,
                     CallFrame::Check check) {
  return !has_expired(function, start.info) && (check == nullptr || check(start.info));
}

void Cache::read(const FunctionSpec& function, StoredItem& item, const EntryStart& start,
                 CallFrame& frame) {
  ReadOptions options;
  options.name = function.name;
  options.offset = start.bytes;
  const auto decode = [](Decoder& in, void* any) { static_cast<CallFrame*>(any)->decode(in); };
  if (!start.compressor.empty()) {
    const auto compression = choose_compression(start.compressor, "", std::nullopt, 0);
    DecompressingSource decompressed(compression->compressor, item, function.name);
    return read_value(decompressed, options, frame.type().text(), decode, &frame);
  }
  options.available = item.bytes() - start.bytes;
  options.mmap_mode = mapping_of(function, frame);
  if (options.mmap_mode) options.file = item.file();
  if (options.file == nullptr) options.mmap_mode.reset();
  const bool known = options.mmap_mode && is_verified(options.file->fd());
  options.verify_mapped = !known;
  options.freeze_mapped = options.mmap_mode == MmapMode::read;
  read_value(item, options, frame.type().text(), decode, &frame);
  if (options.mmap_mode && !known) remember_verified(options.file->fd());
}

void Cache::found_damaged(const FunctionSpec& function, const Digest& key, const std::string& how) {
  ++damaged_;
  warn(function, "the entry of a call of " + function.name + " (" +
                     store_->describe({function.folder, key}) +
                     ") cannot be read, so the call is made again: " + how);
}

// Of a name that the user chose: two functions may have it, in two programs. (With the compiler's,
// the version is the program's file.)
bool Cache::is_of_another(const FunctionSpec& function, const EntryStart& start,
                          const std::string& code) {
  return is_named(function, code) && !start.info.code.empty() && start.info.code != code;
}

void Cache::found_another(const FunctionSpec& function, const EntryStart& start,
                          const std::string& code) {
  warn(function, "the result of a call of " + function.name + " was made by " + start.info.code +
                     ", and " + code +
                     " was called, so the call is made again; give each function "
                     "a .name of its own");
}

bool Cache::try_load(const FunctionSpec& function, const Digest& key, CallFrame& frame,
                     Wanted wanted, Look look) {
  const std::string code = frame.code();
  const bool checks = frame.check() != nullptr || function.expires_after;
  Opened opened;
  try {
    opened = open(function, key, checks || is_named(function, code));
  } catch (const std::exception& error) {
    if (look == Look::first) found_damaged(function, key, error.what());
  }
  if (opened.item == nullptr) return false;
  if (is_of_another(function, opened.start, code)) {
    if (look == Look::first) found_another(function, opened.start, code);
    return false;
  }
  // What the user's check throws is the caller's.
  if (checks && !is_valid(function, opened.start, frame.check())) return false;
  if (wanted == Wanted::presence) return true;
  try {
    const CallLines lines(function, "Loading", frame, store_.get(), key);
    read(function, *opened.item, opened.start, frame);
    return true;
  } catch (const std::exception& error) {
    if (look == Look::first) found_damaged(function, key, error.what());
    return false;
  }
}

bool Cache::load(const FunctionSpec& function, const Digest& key, CallFrame& frame) {
  return try_load(function, key, frame, Wanted::value, Look::first);
}

bool Cache::contains(const FunctionSpec& function, const Digest& key, const std::string& code,
                     CallFrame::Check check) {
  Opened opened;
  try {
    if (check == nullptr && !function.expires_after && !is_named(function, code))
      return store_->contains({function.folder, key});
    opened = open(function, key, true);
  } catch (const std::runtime_error&) {
  }
  return opened.item != nullptr && !is_of_another(function, opened.start, code) &&
         is_valid(function, opened.start, check);
}

std::unique_ptr<Reservation> Cache::reserve(const FunctionSpec& function, const Digest& key) {
  try {
    return store_->reserve({function.folder, key});
  } catch (const std::runtime_error& error) {
    could_not_keep(function, error.what());
    return nullptr;
  }
}

void Cache::call(const FunctionSpec& function, const Digest& key, CallFrame& frame) {
  (void)find_or_make(function, key, frame, Wanted::value);
}

bool Cache::ensure(const FunctionSpec& function, const Digest& key, CallFrame& frame) {
  return find_or_make(function, key, frame, Wanted::presence);
}

bool Cache::find_or_make(const FunctionSpec& function, const Digest& key, CallFrame& frame,
                         Wanted wanted) {
  if (try_load(function, key, frame, wanted, Look::first)) {
    ++hits_;
    return true;
  }
  std::unique_ptr<Reservation> reservation;
  if (!runs_here(this, key)) reservation = reserve(function, key);
  // Somebody else may have had it, and made the entry.
  if (reservation != nullptr && store_->contains({function.folder, key}) &&
      try_load(function, key, frame, wanted, Look::again)) {
    ++hits_;
    return true;
  }
  return compute_and_keep(function, key, frame, std::move(reservation));
}

void Cache::recompute(const FunctionSpec& function, const Digest& key, CallFrame& frame) {
  std::unique_ptr<Reservation> reservation;
  if (!runs_here(this, key)) reservation = reserve(function, key);
  compute_and_keep(function, key, frame, std::move(reservation));
}

bool Cache::compute_and_keep(const FunctionSpec& function, const Digest& key, CallFrame& frame,
                             std::unique_ptr<Reservation> reservation) {
  ++misses_;
  EntryInfo info{function.name, frame.arguments(), function.version};
  info.code = frame.code();
  {
    const CallLines lines(function, "Calling", frame, store_.get(), key);
    const RunningHere here(this, key);
    const auto began = std::chrono::steady_clock::now();
    frame.compute();
    info.duration = std::chrono::steady_clock::now() - began;
  }
  if (reservation == nullptr || !keep(function, frame, std::move(info), *reservation)) return false;
  reservation.reset();
  // The first call returns what the later ones will.
  if (mapping_of(function, frame)) (void)try_load(function, key, frame, Wanted::value, Look::first);
  return true;
}

bool Cache::keep(const FunctionSpec& function, const CallFrame& frame, EntryInfo info,
                 Reservation& to) {
  try {
    info.created = std::chrono::system_clock::now();
    const std::uint64_t bytes = write_entry(to, std::move(info), function.compress, frame);
    to.publish();
    keep_limits(bytes);
    return true;
  } catch (const std::exception& error) {  // of the store, or of a codec
    could_not_keep(function, error.what());
    return false;
  }
}

// Counts what this process adds, and looks at the whole when that may be too much: when an eighth
// of the limit was added, so that other processes are seen as well.
void Cache::keep_limits(std::uint64_t bytes) {
  const SizeLimits& limits = spec_.limits;
  if (!limits.any()) return;
  constexpr std::uint64_t share = 8, items_between = 1024;
  const bool due = usage_.with([&](Usage& usage) {
    usage.added_bytes += bytes;
    ++usage.added_items;
    const std::uint64_t total_bytes = usage.bytes + usage.added_bytes;
    const std::uint64_t total_items = usage.items + usage.added_items;
    const bool many =
        limits.items && (total_items > *limits.items || usage.added_items > *limits.items / share);
    const bool large =
        limits.bytes && (total_bytes > *limits.bytes || usage.added_bytes > *limits.bytes / share);
    if (usage.known && !many && !large && usage.added_items < items_between) return false;
    usage.added_bytes = usage.added_items = 0;
    return std::exchange(usage.known, true) || many || large || limits.age;
  });
  if (!due) {
    return;
  }
  auto items = store_->items();
  const auto erased = choose_items_to_erase(items, limits, std::chrono::system_clock::now());
  for (const ItemInfo& item : erased) store_->erase(item.name);
  std::uint64_t left = 0;
  for (const ItemInfo& item : items) left += item.bytes;
  for (const ItemInfo& item : erased) left -= item.bytes;
  usage_.with([&](Usage& usage) {
    usage.bytes = left;
    usage.items = items.size() - erased.size();
  });
}

namespace {

struct Caches {
  std::map<CacheSpec, std::weak_ptr<Cache>> announced;
  std::map<CacheSpec, std::shared_ptr<Cache>> opened;  // kept: tasks come one after the other
};

// Never destroyed: functions may be called while the program ends.
Guarded<Caches>& caches() {
  static auto& all = *new Guarded<Caches>;
  return all;
}

}  // namespace

void announce_cache(const std::shared_ptr<Cache>& cache) {
  caches().with([&](Caches& all) { all.announced.insert_or_assign(cache->spec(), cache); });
}

std::shared_ptr<Cache> find_or_open_cache(const CacheSpec& spec) {
  const auto find = [&](Caches& all) {
    const auto opened = all.opened.find(spec);
    if (opened != all.opened.end()) return opened->second;
    const auto announced = all.announced.find(spec);
    return announced == all.announced.end() ? nullptr : announced->second.lock();
  };
  if (auto known = caches().with(find)) return known;
  auto made = std::make_shared<Cache>(spec, nullptr);
  return caches().with(
      [&](Caches& all) { return all.opened.try_emplace(spec, std::move(made)).first->second; });
}

}  // namespace paracord::detail
