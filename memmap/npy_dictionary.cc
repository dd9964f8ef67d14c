#include "paracord/memmap/npy_dictionary.h"

#include <charconv>
#include <limits>
#include <vector>

namespace paracord::detail {

namespace {

/// Reads the text from its beginning; the first error stays.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  NpyDictionary read() {
    want("{");
    while (ok() && !take("}")) {
      entry();
      if (result_.structured) return std::move(result_);
      if (!take(",")) {
        want("}");
        break;
      }
    }
    skip_spaces();
    if (ok() && !rest_.empty()) fail("something follows the dictionary of its header");
    if (ok() && (seen_descr_ + seen_order_ + seen_shape_ != 3)) {
      fail("its header lacks descr, fortran_order or shape");
    }
    if (ok()) check_size();
    return std::move(result_);
  }

 private:
  bool ok() const { return result_.error.empty(); }
  void fail(const std::string& what) {
    if (ok()) result_.error = what;
  }
  void skip_spaces() {
    const std::size_t first = rest_.find_first_not_of(" \n\t");
    rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
  }
  bool take(std::string_view wanted) {
    skip_spaces();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  void want(std::string_view wanted) {
    if (!take(wanted)) fail("its header lacks a '" + std::string(wanted) + "'");
  }

  std::string text() {
    skip_spaces();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const std::size_t end =
        quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      fail("its header has something else where a text in quotes is expected");
      return {};
    }
    std::string inside(rest_.substr(1, end - 1));
    if (inside.find('\\') != std::string::npos) fail("its header has a backslash in a text");
    rest_.remove_prefix(end + 1);
    return inside;
  }

  void entry() {
    const std::string key = text();
    want(":");
    if (!ok()) return;
    if (key == "descr" && !seen_descr_++) return descr();
    if (key == "fortran_order" && !seen_order_++) return fortran_order();
    if (key == "shape" && !seen_shape_++) return shape();
    fail("its header has an unknown or a second key '" + key + "'");
  }

  void descr() {
    skip_spaces();
    if (!rest_.starts_with('[') && !rest_.starts_with('(')) {
      result_.descr = text();
      return;
    }
    // A structured type is refused anyway: all that follows is for the message.
    result_.structured = true;
    result_.descr = std::string(rest_.substr(0, rest_.find("'fortran_order'")).substr(0, 200));
    while (!result_.descr.empty() &&
           std::string_view(", \n").find(result_.descr.back()) != std::string_view::npos) {
      result_.descr.pop_back();
    }
  }

  void fortran_order() {
    result_.fortran_order = take("True");
    if (!result_.fortran_order && !take("False")) fail("its fortran_order is not True or False");
  }

  void shape() {
    want("(");
    std::vector<std::size_t> lengths;
    bool comma = true;
    while (ok() && !take(")")) {
      if (!comma) return fail("its shape lacks a comma");
      lengths.push_back(number());
      comma = take(",");
      if (lengths.size() > max_dimensions) {
        return fail("it has more than " + std::to_string(max_dimensions) + " dimensions");
      }
    }
    // "(3)" is a number in Python, "(3,)" a shape.
    if (ok() && lengths.size() == 1 && !comma) return fail("its shape is not a tuple");
    if (ok()) result_.shape = Shape(std::span<const std::size_t>(lengths));
  }

  std::size_t number() {
    skip_spaces();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) {
      fail("its shape has something else than lengths, or one that is too large");
      return 0;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    take("L");  // Python 2 wrote long numbers so
    return value;
  }

  // Whoever asks for the number of bytes shall get one. The largest element has 16.
  void check_size() {
    std::size_t left = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 16;
    for (const std::size_t length : result_.shape) {
      if (length == 0) return;
    }
    for (const std::size_t length : result_.shape) {
      left /= length;
      if (left == 0) return fail("its shape " + to_string(result_.shape) + " is too large");
    }
  }

  std::string_view rest_;
  NpyDictionary result_;
  int seen_descr_ = 0, seen_order_ = 0, seen_shape_ = 0;
};

}  // namespace

NpyDictionary parse_npy_dictionary(std::string_view text) {
  return Reader(text).read();
}

}  // namespace paracord::detail
