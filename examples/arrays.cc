// Arrays: made, kept in files, and shared with worker processes. The snippets of docs/arrays.md.

#include <paracord/paracord.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

// [make]
double make_arrays() {
  paracord::Array<double> table({3, 4});  // zeros
  table(1, 2) = 5;
  table.view().row(0)[3] = 7;

  const paracord::Array<double> shared = table;  // the same elements
  const paracord::Array<double> other = table.copy();
  table(1, 2) = 6;
  return shared(1, 2) + other(1, 2);  // 6 + 5
}
// [make]

// [slice]
double slices(paracord::ArrayView<const double> table) {
  const auto last_rows = table[{.start = -2}];                // as table[-2:] in Python
  const auto every_second = last_rows.slice(1, {.step = 2});  // table[-2:, ::2]
  const auto columns = every_second.transpose();              // no copy so far
  const paracord::Array<double> packed(columns);              // without gaps: a copy
  const std::span<const double> flat = packed;
  return std::accumulate(flat.begin(), flat.end(), 0.0);
}
// [slice]

// [files]
double keep(const std::string& path) {
  paracord::Array<double> table({1000, 8});
  table(999, 7) = 2;
  paracord::dump(table, path);  // numpy.load(path) reads it

  const auto read = paracord::load<paracord::Array<double>>(path);
  const auto mapped =
      paracord::load<paracord::Array<double>>(path, {.mmap_mode = paracord::MmapMode::read});
  return read(999, 7) + mapped(999, 7);
}
// [files]

// [workers]
double mean(paracord::ArrayView<const double> rows) {
  return std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(rows.size());
}

std::vector<double> means(const std::string& path) {
  const auto data =
      paracord::load<paracord::Array<double>>(path, {.mmap_mode = paracord::MmapMode::read});
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  return parallel(std::views::iota(0, 10) | std::views::transform([&](int i) {
                    return paracord::delayed<mean>(data[{100 * i, 100 * (i + 1)}]);
                  }));
}
// [workers]

// [writing]
void fill(paracord::ArrayView<float> rows, float value) {
  for (float& element : rows) element = value;
}

paracord::Array<float> fill_in_parallel(const std::string& path) {
  auto output = paracord::create_npy<float>(path, {10, 100});
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  parallel(std::views::iota(0, 10) | std::views::transform([&](int i) {
             return paracord::delayed<fill>(output.view()[{i, i + 1}], static_cast<float>(i));
           }));
  return output;
}
// [writing]

// [result]
paracord::Array<double> squares(std::size_t count) {
  auto made = paracord::Array<double>::uninitialized({count});
  for (std::size_t i = 0; double& element : made.as_span()) {
    element = static_cast<double>(i * i);
    ++i;
  }
  return made;  // in a worker: in shared memory from the start
}
// [result]

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  std::string folder = (std::filesystem::temp_directory_path() / "arrays-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;

  const std::string table = folder + "/table.npy";
  std::vector<double> numbers(12);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto results = parallel(std::views::iota(1, 3) | std::views::transform([](int i) {
                                  return paracord::delayed<squares>(std::size_t{200'000} * i);
                                }));
  const bool right = make_arrays() == 11 &&
                     slices(paracord::ArrayView<const double>(numbers.data(), {3, 4})) == 28 &&
                     keep(table) == 4 && means(table).back() == 2.0 / 800 &&
                     fill_in_parallel(folder + "/output.npy").at(7, 99) == 7 &&
                     results[1](399'999) == 399'999.0 * 399'999.0;
  std::filesystem::remove_all(folder);
  std::puts(right ? "ok" : "WRONG");
  return right ? 0 : 1;
}
