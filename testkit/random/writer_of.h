#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "paracord/core/parallel.h"
#include "paracord/memmap/persist.h"
#include "paracord/testkit/random/collect.h"
#include "paracord/testkit/random/digest.h"
#include "paracord/testkit/random/make.h"
#include "paracord/testkit/random/temporary.h"

namespace paracord::testkit::random {

/// A task that writes one row of an array. Returns which, of the call's.
template <class T>
std::uint32_t write_row(Orders orders, ArrayView<T> array, std::uint32_t row) {
  carry_out(orders);
  Maker maker(mix(orders.seed, orders.index), 0);
  for (std::size_t i = 0; i != array.shape()[1]; ++i) array(std::size_t{row}, i) = make<T>(maker);
  return orders.index;
}

/// Tasks that write into an array of the caller's, each its own row: they are given all of it, or
/// that row. The array is a mapped file; where memory is shared it may be any.
template <class T>
class WriterOf final : public Function {
 public:
  explicit WriterOf(std::string element) : text_("write_row<" + std::move(element) + ">") {}
  std::string text() const override { return text_; }
  bool is_copyable() const override { return true; }

  Observed call(Parallel& parallel, const Plan& plan, const Setting& setting,
                const BeforeTask& before) const override {
    const TemporaryFolder folder(plan.mapped != 0 || !setting.shares_memory(plan));
    const std::size_t rows = plan.task_count() + std::size_t{1};  // the last is nobody's
    const std::size_t columns =
        std::max<std::size_t>(static_cast<std::size_t>(plan.result_bytes) / sizeof(T), 1);
    auto array = make_array(folder.path(), Shape{rows, columns});
    const auto row_of = [&](std::size_t row) {
      return digest_row(std::as_const(array), row, columns);
    };
    const std::uint64_t untouched = row_of(rows - 1);
    // A result that has come says that its row is written.
    const auto of_result = [&](std::uint32_t row) { return mix(row, row_of(row)); };
    Collector<std::uint32_t, decltype(of_result)> collector(parallel, plan, of_result);
    Observed seen = collector.call([&](std::uint32_t i) -> Task<std::uint32_t> {
      before(i);
      Orders orders = plan.orders(i, setting);
      orders.index = i;
      if (plan.whole != 0) return delayed<write_row<T>>(std::move(orders), array.view(), i);
      return delayed<write_row<T>>(std::move(orders), array.view()[{.start = i, .stop = i + 1}],
                                   0u);
    });
    if (row_of(rows - 1) != untouched)
      seen.thrown = Failure{"a wrong write", "a row that no task writes has changed", {}};
    return seen;
  }

 private:
  static Array<T> make_array(const std::string& folder, const Shape& shape) {
    return folder.empty() ? Array<T>(shape) : create_npy<T>(folder + "/array.npy", shape);
  }
  static std::uint64_t digest_row(const Array<T>& array, std::size_t row, std::size_t columns) {
    std::uint64_t all = 53;
    for (std::size_t i = 0; i != columns; ++i) all = mix(all, digest(array(row, i)));
    return all;
  }

  const std::string text_;
};

}  // namespace paracord::testkit::random
