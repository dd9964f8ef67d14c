#include "paracord/memmap/array_codec.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "paracord/core/errors.h"

namespace paracord {
namespace {

static_assert(detail::HasCodec<Array<double>>);
static_assert(detail::HasCodec<ArrayView<double>>);
static_assert(detail::HasCodec<ArrayView<const double>>);

using Ints = std::vector<int>;

// A message where memory begins at a multiple of 64.
struct Message {
  explicit Message(const Encoder& out) : bytes(detail::allocate_on_heap(out.size())) {
    std::memcpy(bytes->data, out.data(), out.size());
  }
  Decoder read() const { return Decoder(bytes->data, bytes->bytes); }
  std::shared_ptr<detail::Buffer> bytes;
};

template <class T>
Message encode(const T& value) {
  Encoder out;
  Codec<T>::encode(out, value);
  return Message(out);
}

template <class T>
Ints elements(const T& array) {
  return Ints(array.begin(), array.end());
}

Array<int> counted(const Shape& shape, Order order = Order::c) {
  auto array = Array<int>::uninitialized(shape, order);
  std::iota(array.data(), array.data() + array.size(), 0);
  return array;
}

TEST(ArrayCodec, BringsArraysBack) {
  for (const Order order : {Order::c, Order::fortran}) {
    const Array<int> array = counted({2, 3}, order);
    const Message message = encode(array);
    Decoder in = message.read();
    Array<int> got = Codec<Array<int>>::decode(in);
    EXPECT_EQ(in.left(), 0u);
    EXPECT_EQ(got.shape(), array.shape());
    EXPECT_TRUE(got.is_contiguous(order));
    EXPECT_EQ(elements(got), elements(array));
    got(0, 0) = 9;  // a copy of its own
    EXPECT_EQ(array(0, 0), 0);
  }
}

TEST(ArrayCodec, BringsEmptyAndSingleArraysBack) {
  for (const Shape& shape : {Shape{0}, Shape{3, 0}, Shape{}}) {
    const Message message = encode(counted(shape));
    Decoder in = message.read();
    const Array<int> got = Codec<Array<int>>::decode(in);
    EXPECT_EQ(got.shape(), shape);
  }
}

TEST(ArrayCodec, PacksConstViewsWithGaps) {
  const Array<int> array = counted({3, 4});
  const ArrayView<const int> view = array[{.step = -2}].slice(1, {.start = 1, .step = 2});
  const Message message = encode(view);
  Decoder in = message.read();
  const auto got = Codec<ArrayView<const int>>::decode(in);
  EXPECT_EQ(got.shape(), (Shape{2, 2}));
  EXPECT_EQ(elements(got), (Ints{9, 11, 1, 3}));
  EXPECT_TRUE(got.is_contiguous(Order::c));
}

TEST(ArrayCodec, RefusesMutableViewsOfOrdinaryMemory) {
  Array<int> array = counted({3, 4});
  Encoder out;
  EXPECT_THROW(Codec<ArrayView<int>>::encode(out, array.view()), SerializationError);
  EXPECT_THROW(Codec<ArrayView<int>>::encode(out, array.view().slice(1, {.step = 2})),
               SerializationError);
}

// Messages in which something was changed end in a view that can be read, or in an error.
TEST(ArrayCodec, HoldsAgainstDamagedMessages) {
  const Message good = encode(counted({3, 4}));
  std::mt19937 random(1);
  for (int round = 0; round != 20'000; ++round) {
    Message bad = good;
    bad.bytes = detail::allocate_on_heap(good.bytes->bytes);
    std::memcpy(bad.bytes->data, good.bytes->data, good.bytes->bytes);
    for (int i = 0; i != 3; ++i) {
      bad.bytes->data[random() % 40] = static_cast<std::byte>(round % 2 ? random() : random() % 5);
    }
    try {
      Decoder in = bad.read();
      long sum = 0;
      for (const int element : Codec<ArrayView<const int>>::decode(in)) sum += element;
      EXPECT_LE(sum, 66);
    } catch (const SerializationError&) {
    }
  }
}

}  // namespace
}  // namespace paracord
