#include "paracord/memmap/xtensor.h"

#include <gtest/gtest.h>

#include <vector>
#include <xtensor/xmath.hpp>

#include "paracord/paracord.h"

namespace paracord {
namespace {

static_assert(detail::HasCodec<xt::xarray<double>>);
static_assert(detail::HasCodec<xt::xtensor<float, 3>>);

template <class X>
X there_and_back(const X& tensor) {
  Encoder out;
  Codec<X>::encode(out, tensor);
  Decoder in(out.data(), out.size());
  return Codec<X>::decode(in);
}

xt::xarray<double> scaled(const xt::xarray<double>& tensor, ArrayView<const double> factors) {
  return tensor * as_xtensor(factors);
}

TEST(Xtensor, LooksAtArrays) {
  Array<double> array({2, 3});
  as_xtensor(array)(1, 2) = 5;
  EXPECT_EQ(array(1, 2), 5);
  EXPECT_EQ(as_xtensor(array.transpose())(2, 1), 5);
  EXPECT_EQ(as_xtensor(array.view().slice(1, {.start = 2}))(1, 0), 5);
  EXPECT_EQ(as_xtensor(array[{.step = -1}])(0, 2), 5);
  EXPECT_EQ(xt::sum(as_xtensor(array.row(1)))(), 5);
}

TEST(Xtensor, IsCopiedIntoArrays) {
  const xt::xarray<double> tensor{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(to_array(tensor)(1, 0), 4);
  EXPECT_EQ(to_array(xt::transpose(tensor) * 2.0)(2, 1), 12);
}

TEST(Xtensor, ComesBackFromMessages) {
  const xt::xarray<double> tensor{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(there_and_back(tensor), tensor);
  const xt::xtensor<float, 3> deep = xt::ones<float>({2, 3, 4});
  EXPECT_EQ(there_and_back(deep), deep);
  Encoder out;
  Codec<xt::xarray<double>>::encode(out, tensor);
  Decoder in(out.data(), out.size());
  EXPECT_THROW((Codec<xt::xtensor<double, 3>>::decode(in)), SerializationError);
}

TEST(Xtensor, ReachesWorkers) {
  const xt::xarray<double> tensor{{1, 2, 3}, {4, 5, 6}};
  Array<double> factors({2, 3});
  factors(1, 2) = 2;
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto results =
      parallel(std::vector{delayed<scaled>(tensor, std::as_const(factors).view())});
  EXPECT_EQ(results.at(0)(1, 2), 12);
}

}  // namespace
}  // namespace paracord
