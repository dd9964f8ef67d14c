#include "paracord/cache/entry_info.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "paracord/core/number_text.h"
#include "paracord/memmap/hash_stream.h"

namespace paracord::detail {

namespace {

// The first line, 64 bytes: "paracord 1 json 00000180 check 0123456789abcdef zstd", spaces.
constexpr std::string_view first_words = "paracord 1 json ";
constexpr std::string_view check_word = " check ";
constexpr std::size_t first_line = 64;
constexpr std::size_t json_at = first_words.size();
constexpr std::size_t check_at = json_at + 8 + check_word.size();
constexpr std::size_t compressor_at = check_at + 16 + 1;
static_assert(compressor_at + most_compressor_name + 1 == first_line);
constexpr std::size_t most_json = std::size_t{1} << 20;

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (text[++i] == 'u' && i + 5 < text.size()) {
      unsigned code = 0;
      std::from_chars(text.data() + i + 1, text.data() + i + 5, code, 16);
      out += static_cast<char>(code);
      i += 4;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string exact(double value) {
  return fixed_text(value, 9);
}

std::string readable(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string json_of(const EntryInfo& info) {
  const Seconds since = info.created.time_since_epoch();
  std::string json = "{\n";
  json += "\"function\": " + json_quoted(info.function) + ",\n";
  if (!info.code.empty()) json += "\"code\": " + json_quoted(info.code) + ",\n";
  json += "\"arguments\": " + json_quoted(info.arguments) + ",\n";
  json += "\"version\": " + json_quoted(info.version) + ",\n";
  json += "\"duration_seconds\": " + exact(info.duration.count()) + ",\n";
  json += "\"created\": " + json_quoted(readable(info.created)) + ",\n";
  json += "\"created_seconds\": " + exact(since.count()) + ",\n";
  json += "\"result_bytes\": " + std::to_string(info.bytes) + "\n}";
  return json;
}

// The value behind a key, which begins a line.
std::string_view value_of(std::string_view json, std::string_view key) {
  const std::string start = "\n\"" + std::string(key) + "\": ";
  const std::size_t found = json.find(start);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = found + start.size();
  std::string_view value = json.substr(begin, json.find('\n', begin) - begin);
  if (value.ends_with(',')) value.remove_suffix(1);
  return value;
}

double number_of(std::string_view json, std::string_view key) {
  const std::string_view text = value_of(json, key);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::isfinite(number) ? number : 0;
}

EntryInfo parse(std::string_view json) {
  EntryInfo info;
  info.function = json_unquoted(value_of(json, "function"));
  info.code = json_unquoted(value_of(json, "code"));
  info.arguments = json_unquoted(value_of(json, "arguments"));
  info.version = json_unquoted(value_of(json, "version"));
  info.duration = Seconds(number_of(json, "duration_seconds"));
  info.created = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          Seconds(number_of(json, "created_seconds"))));
  info.bytes = static_cast<std::uint64_t>(number_of(json, "result_bytes"));
  return info;
}

std::string hexadecimal(std::uint64_t value, int digits) {
  char text[20];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::size_t entry_start_room(const EntryInfo& info) {
  constexpr std::size_t growth = 64;  // of the numbers
  return (first_line + json_of(info).size() + growth) / 64 * 64 + 64;
}

std::string entry_start(const EntryInfo& info, const std::string& compressor, std::size_t room) {
  std::string json = json_of(info);
  json.resize(room - first_line - 1, ' ');
  json += '\n';
  std::string start(first_words);
  start += hexadecimal(json.size(), 8);
  start += check_word;
  start += hexadecimal(digest_of(json.data(), json.size()).low, 16);
  start += ' ' + compressor;
  start.resize(first_line - 1, ' ');
  return start + '\n' + json;
}

std::optional<EntryStart> read_entry_start(ByteSource& in, bool wants_info) {
  char line[first_line];
  if (!in.read(line, sizeof line)) return std::nullopt;
  const std::string_view text(line, sizeof line);
  const auto size = parse_hexadecimal(text.substr(json_at, 8));
  const auto check = parse_hexadecimal(text.substr(check_at, 16));
  if (!text.starts_with(first_words) || !size || !check || *size > most_json) return std::nullopt;
  std::string_view compressor = text.substr(compressor_at, most_compressor_name);
  compressor = compressor.substr(0, compressor.find(' '));
  EntryStart start{first_line + *size, {}, std::string(compressor)};
  if (!wants_info) return in.skip(*size) ? std::optional(std::move(start)) : std::nullopt;
  std::string json(*size, '\0');
  if (!in.read(json.data(), json.size())) return std::nullopt;
  if (digest_of(json.data(), json.size()).low != *check) return std::nullopt;
  start.info = parse(json);
  return start;
}

}  // namespace paracord::detail
