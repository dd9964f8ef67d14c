// Arrays on their way to worker processes and back.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <ranges>
#include <vector>

#include "paracord/paracord.h"

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
    return Parallel({.n_jobs = 1, .backend = "processes"})(std::move(tasks));
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
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto sums = parallel(std::views::iota(0, 50) | std::views::transform([&](int i) {
                               return delayed<sum>(array[{.start = i}]);
                             }));
  for (int i = 0; i != 50; ++i) EXPECT_EQ(sums[i], sum(array[{.start = i}]));
}

}  // namespace
}  // namespace paracord
