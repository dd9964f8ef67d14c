// The snippets of docs/persistence.md, compiled and run.

#include <paracord/paracord.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

// [values]
struct Model {
  std::string name;
  std::map<std::string, paracord::Array<double>> layers;
  std::vector<int> sizes;
};

Model keep(const Model& model, const std::string& path) {
  paracord::dump(model, path);  // the name is there when the file is complete
  return paracord::load<Model>(path);
}
// [values]

// [mapped]
double map_what_is_large(const std::string& path) {
  const auto model = paracord::load<Model>(path, {.mmap_mode = paracord::MmapMode::read});
  return model.layers.at("first")(0);  // read from the file now
}
// [mapped]

// [compress]
Model make_small(const Model& model, const std::string& path) {
  paracord::dump(model, path + ".zst");                       // by the extension
  paracord::dump(model, path + ".lz4", {.compress = "lz4"});  // by name
  paracord::dump(model, path + ".xz", {.compress = "xz:9"});  // with a level
  paracord::dump(model, path + ".2", {.compress = "zstd", .threads = 2});
  return paracord::load<Model>(path + ".2");  // known by its first bytes
}
// [compress]

// [untrusted]
bool load_from_somewhere(const std::string& path) {
  try {
    (void)paracord::load<Model>(path, {.max_bytes = 1'000'000});
    return true;
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
    return false;
  }
}
// [untrusted]

// [hash]
bool equal_values() {
  const std::unordered_map<std::string, int> one = {{"a", 1}, {"b", 2}};
  const std::unordered_map<std::string, int> other = {{"b", 2}, {"a", 1}};
  paracord::Array<double> array({1'000'000});
  array.freeze();  // from now on its digest is remembered
  std::printf("%s\n", paracord::hash(array).to_string().c_str());
  return paracord::hash(one) == paracord::hash(other) && paracord::hash(1) != paracord::hash(1.0);
}
// [hash]

// [compressor]
// Leaves the bytes as they are, behind four of its own.
class Store final : public paracord::CompressionStream {
 public:
  explicit Store(bool compresses) : compresses_(compresses) {}
  bool run(Step& step, bool last) override {
    for (; mark_ != 4 && (compresses_ ? step.out_left : step.in_left) != 0; ++mark_) {
      if (compresses_) {
        *step.out++ = std::byte("STOR"[mark_]);
        --step.out_left;
      } else {
        ++step.in;
        --step.in_left;
      }
    }
    for (; mark_ == 4 && step.in_left != 0 && step.out_left != 0; --step.in_left, --step.out_left)
      *step.out++ = *step.in++;
    return last && step.in_left == 0 && mark_ == 4;
  }

 private:
  const bool compresses_;
  int mark_ = 0;
};

void add_a_compressor() {
  paracord::register_compressor({
      .name = "store",
      .extension = ".store",
      .magic = "STOR",
      .lowest_level = 0,
      .highest_level = 0,
      .default_level = 0,
      .compress = [](int, int) -> std::unique_ptr<paracord::CompressionStream> {
        return std::make_unique<Store>(true);
      },
      .decompress = []() -> std::unique_ptr<paracord::CompressionStream> {
        return std::make_unique<Store>(false);
      },
  });
}
// [compressor]

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "persistence-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string path = folder + "/model";
  paracord::Array<double> layer({1000});
  layer(0) = 7;
  const Model model{"net", {{"first", layer}}, {1, 2, 3}};
  add_a_compressor();
  paracord::dump(model, path + ".store");
  const bool right = keep(model, path).sizes == model.sizes && map_what_is_large(path) == 7 &&
                     make_small(model, path).name == "net" && load_from_somewhere(path) &&
                     !load_from_somewhere(folder + "/none") && equal_values() &&
                     paracord::load<Model>(path + ".store").name == "net";
  std::filesystem::remove_all(folder);
  std::printf("%s\n", right ? "right" : "wrong");
  return right ? 0 : 1;
}
