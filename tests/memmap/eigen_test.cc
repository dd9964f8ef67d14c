#include "paracord/memmap/eigen.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <vector>

#include "paracord/paracord.h"

namespace paracord {
namespace {

static_assert(detail::HasCodec<Eigen::MatrixXd>);
static_assert(detail::HasCodec<Eigen::Vector3f>);
static_assert(detail::HasCodec<Eigen::ArrayXXi>);

template <class M>
M there_and_back(const M& matrix) {
  Encoder out;
  Codec<M>::encode(out, matrix);
  Decoder in(out.data(), out.size());
  return Codec<M>::decode(in);
}

Eigen::MatrixXd product(const Eigen::MatrixXd& left, ArrayView<const double> right) {
  return left * as_eigen(right);
}

TEST(Eigen, LooksAtArrays) {
  Array<double> array({2, 3});
  as_eigen(array)(1, 2) = 5;
  EXPECT_EQ(array(1, 2), 5);
  EXPECT_EQ(as_eigen(array[{.step = -1}])(0, 2), 5);
  EXPECT_EQ(as_eigen(array.transpose()).rows(), 3);
  EXPECT_EQ(as_eigen(array.row(1)).sum(), 5);
  const Array<double> deep({1, 2, 3});
  EXPECT_THROW(as_eigen(deep), std::invalid_argument);
}

TEST(Eigen, IsCopiedIntoArrays) {
  Eigen::MatrixXd matrix(2, 3);
  matrix << 1, 2, 3, 4, 5, 6;
  const Array<double> array = to_array(matrix);
  EXPECT_EQ(array(1, 0), 4);
  EXPECT_TRUE(array.is_contiguous(Order::fortran));
  EXPECT_EQ(to_array(matrix.transpose() * 2)(2, 1), 12);
}

TEST(Eigen, ComesBackFromMessages) {
  const Eigen::MatrixXd matrix = Eigen::MatrixXd::Random(4, 5);
  EXPECT_EQ(there_and_back(matrix), matrix);
  EXPECT_EQ(there_and_back(Eigen::Vector3f(1, 2, 3)), Eigen::Vector3f(1, 2, 3));
  EXPECT_EQ(there_and_back(Eigen::MatrixXd(0, 3)).cols(), 3);
  Encoder out;
  Codec<Eigen::MatrixXd>::encode(out, matrix);
  Decoder in(out.data(), out.size());
  EXPECT_THROW(Codec<Eigen::Vector3f>::decode(in), SerializationError);
}

TEST(Eigen, ReachesWorkers) {
  const Eigen::MatrixXd left = Eigen::MatrixXd::Identity(3, 3) * 2;
  Array<double> right({3, 3});
  right(1, 2) = 4;
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto results = parallel(std::vector{delayed<product>(left, std::as_const(right).view())});
  EXPECT_EQ(results.at(0)(1, 2), 8);
}

}  // namespace
}  // namespace paracord
