// Arrays on their way to worker processes and back.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <ranges>
#include <sstream>
#include <string>
#include <vector>

#include "paracord/paracord.h"
#include "paracord/tests/backends/backend_under_test.h"

namespace paracord {
namespace {

constexpr std::size_t large = 300'000;  // elements: above max_nbytes

class Arrays : public testing::Test {
 protected:
  Arrays() {
    std::string pattern = testing::TempDir() + "arrays-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Arrays() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ / name; }
  template <class Task>
  auto run(Task task) {
    std::vector<Task> tasks;
    tasks.push_back(std::move(task));
    return Parallel({.n_jobs = 2, .backend = backend_under_test()})(std::move(tasks));
  }
  std::filesystem::path folder_;
};

Array<double> counted(const Shape& shape) {
  auto array = Array<double>::uninitialized(shape);
  std::iota(array.data(), array.data() + array.size(), 0.0);
  return array;
}
double sum(ArrayView<const double> view) {
  return std::accumulate(view.begin(), view.end(), 0.0);
}
double sum_of_array(const Array<double>& array) {
  return sum(array);
}
void fill(ArrayView<double> view, double value) {
  for (double& element : view) element = value;
}
bool can_change(Array<double> array) {
  return array.is_writable();
}
Array<double> doubled(ArrayView<const double> view) {
  Array<double> made(view);
  for (double& element : made.as_span()) element *= 2;
  return made;
}
Array<double> loaded(const std::string& path) {
  return load<Array<double>>(path, {MmapMode::read});
}
Array<double> given_back(Array<double> array) {
  return array;
}

// The file in which some memory lies, and the place in it; empty for private memory.
std::string place_of(const void* memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t begin = 0, end = 0, offset = 0;
    char dash = 0;
    std::string rights, device, inode;
    fields >> std::hex >> begin >> dash >> end >> rights >> offset >> device >> inode;
    if (address < begin || address >= end) continue;
    return inode == "0" ? ""
                        : device + " " + inode + "+" + std::to_string(offset + address - begin);
  }
  return "";
}
std::string place_of_view(ArrayView<const double> view) {
  return place_of(view.data());
}
std::string place_of_span(std::span<const double> span) {
  return place_of(span.data());
}

TEST_F(Arrays, ReachWorkersOfAnySize) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{4}, large}) {
    const Array<double> array = counted({n});
    const double total = sum(array);
    EXPECT_EQ(run(delayed<sum>(array)).at(0), total);
    EXPECT_EQ(run(delayed<sum_of_array>(array)).at(0), total);
    EXPECT_EQ(run(delayed<sum>(array[{.step = -3}])).at(0), sum(array[{.step = -3}]));
  }
}

TEST_F(Arrays, ByReferenceAreReadOnlyThere) {
  EXPECT_EQ(run(delayed<can_change>(counted({4}))).at(0), 1);
  EXPECT_EQ(run(delayed<can_change>(counted({large}))).at(0), 0);
}

TEST_F(Arrays, ComeBackAndCanBeChanged) {
  const Array<double> array = counted({large});
  std::vector<Array<double>> results = run(delayed<doubled>(array));
  EXPECT_EQ(sum(results[0]), 2 * sum(array));
  results[0](0) = 5;
  EXPECT_EQ(results[0](0), 5);
  EXPECT_EQ(sum(run(delayed<given_back>(array)).at(0)), sum(array));
}

struct Bundle {
  std::string name;
  Array<double> first;
  std::vector<Array<int>> others;
};
Bundle bundle(int size) {
  const auto n = static_cast<std::size_t>(size);
  return {std::string(n, 'x'), counted({n}), {Array<int>(Shape{n}), Array<int>(Shape{1, n})}};
}

TEST_F(Arrays, OfAnySizeComeBack) {
  for (const int n : {0, 1, 7, 1000, 10'000, 200'000}) {
    const Bundle got = run(delayed<bundle>(n)).at(0);
    const auto size = static_cast<std::size_t>(n);
    EXPECT_EQ(got.name.size(), size);
    EXPECT_EQ(sum(got.first), sum(counted({size})));
    EXPECT_EQ(got.others.at(1).shape(), (Shape{1, size}));
  }
}

// Adds one, and fails before the last attempt.
void add_one(ArrayView<double> view, std::span<double> more, int good_attempt) {
  for (double& element : view) element += 1;
  for (double& element : more) element += 1;
  if (this_worker().attempt == good_attempt) return;
  if (good_attempt == 2) throw std::runtime_error("once more");
  raise(SIGKILL);
}

TEST_F(Arrays, WrittenByAttemptsThatFailStayAsTheyWere) {
  auto array = create_npy<double>(path("a.npy"), {100, 1000});
  auto more = create_npy<double>(path("b.npy"), {large});
  for (const int good_attempt : {2, 3}) {
    fill(array, 0);
    fill(more, 0);
    Parallel parallel({.n_jobs = 2, .backend = backend_under_test(), .retries = 2});
    // Views with gaps, one between the other's elements; and spans.
    parallel(std::views::iota(std::size_t{0}, std::size_t{2}) |
             std::views::transform([&](std::size_t i) {
               const auto half = more.as_span().subspan(i * large / 2, large / 2);
               return delayed<add_one>(
                   array.view().slice(1, {.start = static_cast<int>(i), .step = 2}), half,
                   good_attempt);
             }));
    EXPECT_EQ(sum(array), 100'000);
    EXPECT_EQ(sum(more), large);
  }
}

// joblib's example of results in a memmap: each task gets all of it, and writes its elements.
void write_own(ArrayView<double> all, std::span<double> flat, std::size_t task, std::size_t tasks) {
  const auto value = static_cast<double>(task + 1);
  for (std::size_t i = task; i < all.size(); i += tasks)
    all(i / all.shape()[1], i % all.shape()[1]) = value;
  for (std::size_t i = task; i < flat.size(); i += tasks) flat[i] = value;
}
void write_middle(ArrayView<double> part, double value) {
  const auto third = static_cast<std::ptrdiff_t>(part.size() / 3);
  fill(part[{third, 2 * third}], value);
}

TEST_F(Arrays, WrittenAsAWholeByAllTasksHoldWhatEachHasWritten) {
  constexpr std::size_t tasks = 40;
  for (const std::size_t columns : {std::size_t{3}, std::size_t{50'000}}) {
    for (const int retries : {0, 1}) {
      auto array = create_npy<double>(path("a.npy"), {7, columns});
      auto raw = map_raw<double>(path("b"), {1000}, {.mode = MmapMode::write});
      Parallel parallel({.n_jobs = 2, .backend = backend_under_test(), .retries = retries});
      parallel(std::views::iota(std::size_t{0}, tasks) | std::views::transform([&](auto i) {
                 return delayed<write_own>(array.view(), raw.as_span(), i, tasks);
               }));
      const std::span<const double> flat = std::as_const(array).as_span();
      for (std::size_t i = 0; i != flat.size(); ++i)
        ASSERT_EQ(flat[i], static_cast<double>(i % tasks + 1)) << i;
      for (std::size_t i = 0; i != raw.size(); ++i)
        ASSERT_EQ(raw(i), static_cast<double>(i % tasks + 1)) << i;
      EXPECT_EQ(sum(load<Array<double>>(path("a.npy"))), sum(array));
    }
  }
}

TEST_F(Arrays, WrittenInOverlappingPartsHoldWhatEachHasWritten) {
  for (const int retries : {0, 1}) {
    auto array = create_npy<double>(path("a.npy"), {3000});
    auto table = create_npy<double>(path("b.npy"), {300, 100});
    Parallel parallel({.n_jobs = 2, .backend = backend_under_test(), .retries = retries});
    // Parts of 30 elements, 10 apart: each task writes the 10 in the middle.
    parallel(std::views::iota(0, 298) | std::views::transform([&](int i) {
               return delayed<write_middle>(array.view()[{10 * i, 10 * i + 30}], i + 1.0);
             }));
    for (std::size_t i = 10; i != 2990; ++i) ASSERT_EQ(array(i), static_cast<double>(i / 10)) << i;
    EXPECT_EQ(array(9) + array(2990), 0);
    // Columns, between each other's elements.
    parallel(std::views::iota(0, 100) | std::views::transform([&](int i) {
               return delayed<fill>(table.view().slice(1, {i, i + 1}), i + 1.0);
             }));
    for (std::size_t i = 0; i != table.size(); ++i)
      ASSERT_EQ(table.data()[i], static_cast<double>(i % 100 + 1)) << i;
  }
}

// Reads the last row, which nobody writes to, and writes its own.
void add_last(ArrayView<const double> all, ArrayView<double> own, double value) {
  const auto last = all.row(all.shape()[0] - 1);
  for (std::size_t i = 0; i != own.size(); ++i) own[i] = last[i] + value;
}

TEST_F(Arrays, CanBeReadAndWrittenByTheTasksOfACall) {
  auto array = create_npy<double>(path("a.npy"), {51, 40'000});
  fill(array.view()[{50, 51}], 7);
  Parallel parallel({.n_jobs = 2, .backend = backend_under_test()});
  parallel(std::views::iota(std::size_t{0}, std::size_t{50}) | std::views::transform([&](auto i) {
             return delayed<add_last>(std::as_const(array).view(), array.view().row(i),
                                      static_cast<double>(i));
           }));
  for (std::size_t i = 0; i != 50; ++i)
    ASSERT_EQ(sum(array.row(i)), 40'000 * (7 + static_cast<double>(i)));
  EXPECT_EQ(sum(array.row(50)), 40'000 * 7);
}

TEST_F(Arrays, ThatCallsReturnedCanBeWrittenAsAWhole) {
  Array<double> array = run(delayed<given_back>(counted({large}))).at(0);
  auto empty = Array<double>(Shape{0});
  Parallel parallel({.n_jobs = 2, .backend = backend_under_test()});
  constexpr std::size_t tasks = 20;
  parallel(std::views::iota(std::size_t{0}, tasks) | std::views::transform([&](auto i) {
             return delayed<write_own>(array.view().reshape({10, large / 10}), empty.as_span(), i,
                                       tasks);
           }));
  for (std::size_t i = 0; i != array.size(); ++i)
    ASSERT_EQ(array(i), static_cast<double>(i % tasks + 1)) << i;
}

std::string place_of_written(ArrayView<double> view) {
  return place_of(view.data());
}

TEST_F(Arrays, WrittenOnThisMachineAreWrittenWhereTheyLie) {
  for (const std::size_t size : {std::size_t{10}, large}) {
    auto array = create_npy<double>(path("a.npy"), {size});
    EXPECT_EQ(run(delayed<place_of_written>(array.view())).at(0), place_of(array.data()));
    EXPECT_EQ(run(delayed<place_of_written>(array.view()[{5, 10}])).at(0),
              place_of(array.data() + 5));
  }
}

TEST_F(Arrays, OutliveTheirWorkers) {
  std::vector<Array<double>> kept;
  for (int i = 0; i != 20; ++i) {
    const Array<double> array = counted({large + i});
    kept.push_back(run(delayed<doubled>(array)).at(0));
  }
  for (int i = 0; i != 20; ++i) EXPECT_EQ(sum(kept[i]), 2 * sum(counted({large + i})));
}

TEST_F(Arrays, MappedAreWrittenThrough) {
  auto array = create_npy<double>(path("a.npy"), {8, 1000});
  run(delayed<fill>(array.view(), 1.0));
  run(delayed<fill>(array.view()[{2, 4}], 2.0));
  run(delayed<fill>(array.view().slice(1, {.step = -250}), 3.0));  // with gaps
  const double expected = 8000 + 2000 + 4 * (8 * 3 - (6 + 4));
  EXPECT_EQ(sum(array), expected);
  EXPECT_EQ(sum(load<Array<double>>(path("a.npy"))), expected);
}

TEST_F(Arrays, MappedAreSharedAsTheyAre) {
  dump(counted({100, 100}), path("a.npy"));
  const auto array = load<Array<double>>(path("a.npy"), {MmapMode::read});
  for (const auto& view : {array.view(), array[{.step = -2}], array.transpose(), array.row(7)}) {
    EXPECT_EQ(run(delayed<sum>(view)).at(0), sum(view));
  }
}

TEST_F(Arrays, PrivateChangesTravelToo) {
  dump(counted({large}), path("a.npy"));
  auto array = load<Array<double>>(path("a.npy"), {MmapMode::copy_on_write});
  fill(array, 1);
  EXPECT_EQ(run(delayed<sum>(array)).at(0), large);
}

TEST_F(Arrays, MutableViewsOfOtherMemoryAreRefused) {
  Array<double> array = counted({large});
  EXPECT_THROW(run(delayed<fill>(array, 1.0)), SerializationError);
  dump(array, path("a.npy"));
  auto private_copy = load<Array<double>>(path("a.npy"), {MmapMode::copy_on_write});
  EXPECT_THROW(run(delayed<fill>(private_copy, 1.0)), SerializationError);
}

TEST_F(Arrays, LoadedByAWorkerComeBack) {
  dump(counted({large}), path("a.npy"));
  std::vector<Array<double>> results = run(delayed<loaded>(path("a.npy")));
  EXPECT_EQ(sum(results[0]), sum(counted({large})));
}

TEST_F(Arrays, AreSharedByManyTasks) {
  const Array<double> array = counted({large});
  Parallel parallel({.n_jobs = 2, .backend = backend_under_test()});
  const auto sums = parallel(std::views::iota(0, 50) | std::views::transform([&](int i) {
                               return delayed<sum>(array[{.start = i}]);
                             }));
  for (int i = 0; i != 50; ++i) EXPECT_EQ(sums[i], sum(array[{.start = i}]));
}

// Shared memory begins a page; what lies in a message stands behind other things.
bool is_shared(ArrayView<const double> view) {
  return reinterpret_cast<std::uintptr_t>(view.data()) % 4096 == 0;
}

TEST_F(Arrays, AreSharedWhereTheyAreLargerThanMaxNbytes) {
  Parallel parallel({.n_jobs = 2, .backend = backend_under_test(), .max_nbytes = 8000});
  const Array<double> small = counted({1000}), large_enough = counted({1001});
  const std::vector tasks{delayed<is_shared>(small), delayed<is_shared>(large_enough)};
  EXPECT_EQ(parallel(tasks), (std::vector<bool>{false, true}));
  const std::vector spans{delayed<place_of_span>(std::span(large_enough.as_span())),
                          delayed<place_of_span>(std::span(large_enough.as_span()))};
  const auto places = parallel(spans);
  EXPECT_EQ(places[0], places[1]) << "stored once for the call";
}

TEST_F(Arrays, FrozenAreStoredOnce) {
  if (tests_nodes()) GTEST_SKIP() << "a node has a copy of its own";
  Array<double> array = counted({large});
  array.freeze();
  const std::string place = run(delayed<place_of_view>(array)).at(0);
  EXPECT_NE(place, "");
  const Array<double> other = counted({large});
  EXPECT_NE(run(delayed<place_of_view>(other)).at(0), place);
  EXPECT_EQ(run(delayed<place_of_view>(array)).at(0), place);
  EXPECT_EQ(run(delayed<place_of_span>(std::as_const(array).as_span())).at(0), place);
  EXPECT_EQ(sum(array), run(delayed<sum>(array)).at(0));
  EXPECT_EQ(sum(array[{.start = 5, .step = 3}]),
            run(delayed<sum>(array[{.start = 5, .step = 3}])).at(0));
}

TEST_F(Arrays, PartsOfFrozenAreInTheSamePlace) {
  Array<double> array = counted({large, 2});
  array.freeze();
  const std::string whole = run(delayed<place_of_view>(array)).at(0);
  const std::string part = run(delayed<place_of_view>(array[{.start = 1000}])).at(0);
  EXPECT_EQ(part.substr(0, part.find('+')), whole.substr(0, whole.find('+')));
  const auto offset_of = [](const std::string& place) {
    return std::stoull(place.substr(place.find('+') + 1));
  };
  EXPECT_EQ(offset_of(part), offset_of(whole) + 2000 * sizeof(double));
}

TEST_F(Arrays, FrozenCannotBeWrittenByTasks) {
  auto array = create_npy<double>(path("a.npy"), {large});
  const ArrayView<double> view = array.view();
  array.freeze();
  EXPECT_THROW(run(delayed<fill>(view, 1.0)), SerializationError);
}

TEST_F(Arrays, ResultsGoOnWithoutACopy) {
  if (tests_nodes()) GTEST_SKIP() << "a node has a copy of its own";
  const Array<double> array = counted({large});
  std::vector<Array<double>> results = run(delayed<doubled>(array));
  const std::string place = place_of(std::as_const(results[0]).data());
  EXPECT_NE(place, "");
  EXPECT_EQ(run(delayed<place_of_view>(std::as_const(results[0]))).at(0), place);
  EXPECT_EQ(run(delayed<sum>(std::as_const(results[0]))).at(0), sum(results[0]));
  // Their memory can be written by tasks, as a mapped file's.
  run(delayed<fill>(results[0].view(), 7.0));
  EXPECT_EQ(sum(results[0]), 7.0 * large);
}

}  // namespace
}  // namespace paracord
