#include "paracord/apps/cache_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "paracord/cache/cache_folder.h"
#include "paracord/cache/entry_info.h"
#include "paracord/cache/local_store.h"
#include "paracord/cache/size_limits.h"

namespace paracord::apps {

namespace {

using detail::LocalStore;

// A number in front of a unit.
std::pair<double, std::string_view> split(const std::string& text) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, number);
  if (failed != std::errc() || !(number >= 0)) return {-1, {}};
  return {number, std::string_view(end, static_cast<std::size_t>(last - end))};
}

struct CacheOptions {
  std::string path;
  std::string function;
  std::string bytes, age;
  std::uint64_t items = 0;
  bool entries = false, dry_run = false;
};

LocalStore open_store(const CacheOptions& options) {
  if (!detail::is_cache_folder(options.path)) {
    throw CLI::ValidationError("'" + options.path +
                               "' is no cache: it has no CACHEDIR.TAG that paracord wrote; give "
                               "the folder that is a Memory's location");
  }
  return LocalStore(options.path);
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

struct Sum {
  std::uint64_t items = 0, bytes = 0;
  std::chrono::system_clock::time_point last_used{};
  void add(const ItemInfo& item) {
    ++items;
    bytes += item.bytes;
    last_used = std::max(last_used, item.last_used);
  }
};

std::vector<ItemInfo> chosen_items(LocalStore& store, const CacheOptions& options) {
  std::vector<ItemInfo> items = store.items();
  if (!options.function.empty()) {
    std::erase_if(items, [&](const ItemInfo& item) {
      return item.name.function.find(options.function) == std::string::npos;
    });
  }
  return items;
}

// Without counting as a use.
std::optional<EntryInfo> read_info(const std::string& path) {
  class Source final : public ByteSource {
   public:
    explicit Source(const std::string& file) : in_(file, std::ios::binary) {}
    std::size_t read_some(void* data, std::size_t bytes) override {
      in_.read(static_cast<char*>(data), static_cast<std::streamsize>(bytes));
      return static_cast<std::size_t>(in_.gcount());
    }

   private:
    std::ifstream in_;
  } source(path);
  auto start = detail::read_entry_start(source, true);
  if (!start) return std::nullopt;
  return std::move(start->info);
}

void print_sum(std::ostream& out, const Sum& sum, const std::string& name) {
  out << padded(std::to_string(sum.items), 9) << padded(show_bytes(sum.bytes), 12) << "  "
      << (sum.items == 0 ? std::string(19, ' ') : time_text(sum.last_used)) << "  " << name << '\n';
}

void list_entries(std::ostream& out, const LocalStore& store, std::vector<ItemInfo> items) {
  std::sort(items.begin(), items.end(),
            [](const ItemInfo& a, const ItemInfo& b) { return a.last_used > b.last_used; });
  out << "     size  last used            seconds  call\n";
  for (const ItemInfo& item : items) {
    const auto info = read_info(store.describe(item.name));
    char duration[32] = "?";
    if (info) std::snprintf(duration, sizeof duration, "%.3f", info->duration.count());
    out << padded(show_bytes(item.bytes), 9) << "  " << time_text(item.last_used)
        << padded(duration, 9) << "  "
        << (info ? info->function + "(" + info->arguments + ")" : "damaged") << "  "
        << item.name.key.to_string() << '\n';
  }
}

void list(std::ostream& out, const CacheOptions& options) {
  LocalStore store = open_store(options);
  const std::vector<ItemInfo> items = chosen_items(store, options);
  if (options.entries) return list_entries(out, store, items);
  std::map<std::string, Sum> functions;
  Sum all;
  for (const ItemInfo& item : items) {
    functions[item.name.function].add(item);
    all.add(item);
  }
  out << "    items        size  last used            function\n";
  for (const auto& [name, sum] : functions) print_sum(out, sum, name);
  print_sum(out, all, "in all");
}

void show_usage(std::ostream& out, const CacheOptions& options) {
  LocalStore store = open_store(options);
  Sum all;
  for (const ItemInfo& item : chosen_items(store, options)) all.add(item);
  out << all.bytes << "\t" << options.path << '\n';
}

void prune(std::ostream& out, const CacheOptions& options, bool items_given) {
  SizeLimits limits;
  if (!options.bytes.empty()) limits.bytes = parse_bytes(options.bytes);
  if (!options.age.empty()) limits.age = Seconds(parse_age_seconds(options.age));
  if (items_given) limits.items = options.items;
  if (!limits.any())
    throw CLI::ValidationError("prune needs a limit: --bytes 10G, --items 1000 or --age 30d");
  LocalStore store = open_store(options);
  Sum erased;
  const auto items = detail::choose_items_to_erase(chosen_items(store, options), limits,
                                                   std::chrono::system_clock::now());
  for (const ItemInfo& item : items) {
    if (!options.dry_run) store.erase(item.name);
    erased.add(item);
  }
  out << (options.dry_run ? "would erase " : "erased ") << erased.items << " results, "
      << show_bytes(erased.bytes) << '\n';
}

void clear(std::ostream& out, const CacheOptions& options) {
  LocalStore store = open_store(options);
  Sum erased;
  std::map<std::string, Sum> functions;
  for (const ItemInfo& item : chosen_items(store, options)) {
    functions[item.name.function].add(item);
    erased.add(item);
  }
  if (options.function.empty()) {
    store.clear_all();  // also what was left by processes that died
  } else {
    for (const auto& [name, sum] : functions) store.clear(name);
  }
  out << "erased " << erased.items << " results, " << show_bytes(erased.bytes) << '\n';
}

CLI::App* add_action(CLI::App& cache, const std::string& name, const std::string& text,
                     const std::shared_ptr<CacheOptions>& options) {
  CLI::App* action = cache.add_subcommand(name, text);
  action->add_option("PATH", options->path, "the folder that is a Memory's location")->required();
  action->add_option("--function", options->function, "only functions with this in their name");
  return action;
}

// A wrong value of an option, said by the functions above.
template <class Parse>
CLI::Validator checked_by(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) -> std::string {
        try {
          parse(text);
          return {};
        } catch (const std::invalid_argument& error) {
          return error.what();
        }
      },
      "");
}

}  // namespace

std::uint64_t parse_bytes(const std::string& text) {
  constexpr std::string_view units = "KMGT";
  auto [number, unit] = split(text);
  if (unit.size() > 1 && (unit.substr(1) == "B" || unit.substr(1) == "iB"))
    unit = unit.substr(0, 1);
  double factor = 1;
  if (!unit.empty()) {
    const std::size_t power = units.find(unit[0]);
    if (unit.size() != 1 || power == std::string_view::npos) number = -1;
    for (std::size_t i = 0; number >= 0 && i <= power; ++i) factor *= 1024;
  }
  if (number < 0 || number * factor > 1e18) {
    throw std::invalid_argument("'" + text +
                                "' is no size; write bytes, or a number with K, M, G or T");
  }
  return static_cast<std::uint64_t>(number * factor);
}

double parse_age_seconds(const std::string& text) {
  const auto [number, unit] = split(text);
  const std::map<std::string_view, double> units = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  const auto found = units.find(unit);
  if (number < 0 || found == units.end())
    throw std::invalid_argument("'" + text + "' is no age; write a number with s, m, h or d");
  return number * found->second;
}

std::string show_bytes(std::uint64_t bytes) {
  constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto shown = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; shown >= 1024 && unit + 1 != units.size(); ++unit) shown /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", shown, units[unit]);
  return text;
}

void add_cache_command(CLI::App& app, std::ostream& out) {
  auto options = std::make_shared<CacheOptions>();  // lives in the actions
  CLI::App* cache = app.add_subcommand("cache", "Looks after the folder of a paracord::Memory");
  cache->require_subcommand(1);
  CLI::App* ls = add_action(*cache, "ls", "Lists functions and what their results take", options);
  ls->add_flag("--entries", options->entries, "each result instead, with its call");
  ls->callback([options, &out] { list(out, *options); });
  CLI::App* du = add_action(*cache, "du", "Prints how many bytes the results take", options);
  du->callback([options, &out] { show_usage(out, *options); });
  CLI::App* less = add_action(
      *cache, "prune", "Erases what was used least recently, until the limits hold", options);
  less->add_option("--bytes", options->bytes, "keep at most so much: 10G")
      ->check(checked_by(&parse_bytes));
  CLI::Option* items = less->add_option("--items", options->items, "keep at most so many results");
  less->add_option("--age", options->age, "keep what was used since: 30d")
      ->check(checked_by(&parse_age_seconds));
  less->add_flag("--dry-run", options->dry_run, "only says what would be erased");
  less->callback([options, items, &out] { prune(out, *options, items->count() != 0); });
  CLI::App* none = add_action(*cache, "clear", "Erases all results", options);
  none->callback([options, &out] { clear(out, *options); });
}

}  // namespace paracord::apps
