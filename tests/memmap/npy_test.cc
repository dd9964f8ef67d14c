#include "paracord/memmap/npy.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "paracord/memmap/npy_dictionary.h"

namespace paracord::detail {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string file_with(std::string dictionary, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  file += static_cast<char>(dictionary.size() & 0xff);
  file += static_cast<char>(dictionary.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + dictionary;
}

NpyHeader parse(const std::string& file) {
  return parse_npy_header(bytes_of(file), "a.npy");
}

std::string refusal(const std::string& file) {
  try {
    parse(file);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Npy, ReadsWhatItWrites) {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{0, 3}, Shape{1, 2, 3, 4, 5, 6, 7, 8}}) {
    for (const Order order : {Order::c, Order::fortran}) {
      const std::string text = write_npy_header({'c', 16}, shape, order);
      EXPECT_EQ(text.size() % npy_alignment, 0u);
      const NpyHeader header = parse(text);
      EXPECT_EQ(header.type, (NpyType{'c', 16}));
      EXPECT_EQ(header.shape, shape);
      EXPECT_EQ(header.order, order);
      EXPECT_FALSE(header.swapped);
      EXPECT_EQ(header.data_offset, text.size());
    }
  }
}

TEST(Npy, ReadsAllVersionsAndWaysToWrite) {
  const std::string text = "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3L), }   \n";
  for (const char version : {'\1', '\2', '\3'}) {
    const NpyHeader header = parse(file_with(text, version));
    EXPECT_TRUE(header.swapped);
    EXPECT_EQ(header.shape, (Shape{2, 3}));
    EXPECT_EQ(header.data_offset, file_with(text, version).size());
  }
  EXPECT_EQ(parse(file_with("{\"shape\":(),\"descr\":\"|b1\",\"fortran_order\":False}")).type,
            (NpyType{'b', 1}));
}

TEST(Npy, NamesTypesThatItDoesNotKnow) {
  for (const std::string descr : {"'|O'", "'<f2'", "'<f16'", "'<U5'", "'<M8[ns]'", "'|V3'", "'<i3'",
                                  "[('x', '<f8'), ('y', '<i4')]"}) {
    const std::string said =
        refusal(file_with("{'descr': " + descr + ", 'fortran_order': False, 'shape': (3,), }"));
    EXPECT_NE(said.find("its dtype is " + descr), std::string::npos) << said;
    EXPECT_NE(said.find("astype"), std::string::npos) << said;
  }
}

TEST(Npy, RefusesWhatNumPyDoesNotWrite) {
  const std::string good = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }";
  EXPECT_EQ(refusal(file_with(good)), "");
  for (const std::string bad :
       {"", "{", "{}", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 'x'}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x"}) {
    EXPECT_NE(refusal(file_with(bad)), "") << bad;
  }
  EXPECT_NE(refusal("PK\3\4 a zip file"), "");
  EXPECT_NE(refusal(file_with(good, 4)).find("4.0"), std::string::npos);
  EXPECT_NE(refusal(file_with(good).substr(0, 30)).find("ends within"), std::string::npos);
  EXPECT_NE(refusal(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)).find("4294967295"),
            std::string::npos);
}

TEST(Npy, HoldsAgainstDamagedHeaders) {
  const std::string good = write_npy_header({'f', 8}, {12, 34}, Order::c);
  std::mt19937 random(1);
  for (int round = 0; round != 50'000; ++round) {
    std::string bad = good.substr(0, round % 4 == 0 ? random() % good.size() : good.size());
    for (int i = 0; i != 2 && !bad.empty(); ++i) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    try {
      (void)parse(bad).data_bytes();
    } catch (const std::runtime_error&) {
    }
  }
}

TEST(Npy, TurnsBytesRound) {
  std::string numbers = "abcdefgh";
  swap_bytes(numbers.data(), 8, {'i', 4});
  EXPECT_EQ(numbers, "dcbahgfe");
  swap_bytes(numbers.data(), 8, {'c', 8});
  EXPECT_EQ(numbers, "abcdefgh");
}

}  // namespace
}  // namespace paracord::detail
