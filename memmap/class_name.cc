#include "paracord/memmap/class_name.h"

#include <cctype>
#include <string_view>
#include <vector>

namespace paracord::detail {

namespace {

void drop_all(std::string& text, const std::string& part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
}

// What the compilers write in different ways.
std::string without_extras(const std::string& printed) {
  std::string name = printed;
  for (const char* part : {"<unnamed struct>", "<unnamed class>", "<unnamed enum>",
                           "(anonymous namespace)::", "{anonymous}::", "<unnamed>::", "__cxx11::",
                           "__1::", "_V2::", "struct ", "class ", "enum "}) {
    drop_all(name, part);
  }
  return name;
}

bool is_lambda(const std::string& printed) {
  return printed.find("lambda") != std::string::npos;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The words of an integer's type, in any order: "long unsigned int".
std::string integer_name(const std::vector<std::string>& words) {
  bool is_unsigned = false, is_char = false;
  std::size_t bytes = sizeof(int);
  for (const std::string& word : words) {
    if (word == "unsigned") is_unsigned = true;
    if (word == "char") is_char = true;
    if (word == "long") bytes = sizeof(long);
    if (word == "short") bytes = sizeof(short);
  }
  if (is_char && words.size() == 1) return "char8";
  return (is_unsigned ? "uint" : "int") + std::to_string(8 * (is_char ? 1 : bytes));
}

bool is_of_integer(const std::string& word) {
  return word == "unsigned" || word == "signed" || word == "long" || word == "short" ||
         word == "int" || word == "char";
}

// A number as a template argument: 3, 3u, 3ul.
std::string without_suffix(std::string word) {
  if (std::isdigit(static_cast<unsigned char>(word[0])) == 0) return word;
  while (word.size() > 1 && std::string_view("uUlL").find(word.back()) != std::string_view::npos)
    word.pop_back();
  return word;
}

std::string renamed(const std::string& word) {
  if (word == "double") return "float64";
  if (word == "float") return "float32";
  return without_suffix(word);
}

std::string take_word(const std::string& text, std::size_t& at) {
  const std::size_t start = at;
  while (at != text.size() && is_word(text[at])) ++at;
  return text.substr(start, at - start);
}

}  // namespace

std::string short_class_name(const std::string& printed) {
  if (is_lambda(printed)) return "lambda";
  const std::string name = without_extras(printed);
  return name.substr(0, name.find_first_of("<("));
}

std::string plain_class_name(const std::string& printed) {
  if (is_lambda(printed)) return "lambda";
  const std::string text = without_extras(printed);
  std::string name;
  for (std::size_t at = 0; at != text.size();) {
    if (!is_word(text[at])) {
      if (text[at] != ' ') name += text[at];
      ++at;
      continue;
    }
    std::vector<std::string> integer;
    std::string word = take_word(text, at);
    while (is_of_integer(word)) {
      integer.push_back(word);
      std::size_t next = at;
      if (next != text.size() && text[next] == ' ') ++next;
      if (next == text.size() || !is_word(text[next])) break;
      std::size_t behind = next;
      word = take_word(text, behind);
      if (is_of_integer(word)) at = behind;
    }
    name += integer.empty() ? renamed(word) : integer_name(integer);
  }
  return name;
}

std::string template_name(const std::string& printed) {
  std::size_t at = printed.size();
  int open = 0;
  while (at != 0) {
    --at;
    if (printed[at] == '>') ++open;
    if (printed[at] == '<' && --open == 0) break;
  }
  return plain_class_name(printed.substr(0, at));
}

}  // namespace paracord::detail
