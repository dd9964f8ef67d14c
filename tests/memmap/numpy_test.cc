// Files in exchange with NumPy itself.

#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "paracord/memmap/persist.h"

namespace paracord {
namespace {

class NumPy : public testing::Test {
 protected:
  NumPy() {
    std::string pattern = testing::TempDir() + "numpy-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~NumPy() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ / name; }
  /// Runs lines of Python in the folder; they fail by an assert.
  bool python(const std::string& lines) const {
    const std::string command = "cd '" + folder_.string() + "' && '" PYTHON_WITH_NUMPY "'" +
                                " -c 'import numpy as np\n" + lines + "'";
    return std::system(command.c_str()) == 0;
  }
  /// NumPy reads what dump() wrote, and load() what NumPy wrote, for one type of elements.
  template <class T>
  void exchange(const std::string& dtype) const {
    auto array = Array<T>({3, 4});
    for (std::size_t i = 0; i != array.size(); ++i) array[i] = i % 2 == 0 ? T(0) : T(1);
    dump(array, path("ours.npy"));
    ASSERT_TRUE(
        python("a = np.load(\"ours.npy\", mmap_mode=\"r\")\n"
               "assert a.dtype == np.dtype(\"" +
               dtype +
               "\"), a.dtype\n"
               "assert a.shape == (3, 4) and (a == np.arange(12).reshape(3, 4) % 2).all()\n"
               "np.save(\"theirs.npy\", a + a)\n"
               "np.save(\"fortran.npy\", np.asfortranarray(a))\n"
               "np.save(\"foreign.npy\", a.astype(a.dtype.newbyteorder()))\n"))
        << dtype;
    const auto theirs = load<Array<T>>(path("theirs.npy"), {MmapMode::read});
    const auto fortran = load<Array<T>>(path("fortran.npy"), {MmapMode::read});
    const auto foreign = load<Array<T>>(path("foreign.npy"));
    EXPECT_TRUE(fortran.is_contiguous(Order::fortran));
    for (std::size_t row = 0; row != 3; ++row) {
      for (std::size_t column = 0; column != 4; ++column) {
        const T value = std::as_const(array)(row, column);
        EXPECT_EQ(theirs(row, column), static_cast<T>(value + value)) << dtype;
        EXPECT_EQ(fortran(row, column), value) << dtype;
        EXPECT_EQ(foreign(row, column), value) << dtype;
      }
    }
  }
  std::filesystem::path folder_;
};

TEST_F(NumPy, ExchangesAllTypes) {
  exchange<bool>("bool");
  exchange<std::int8_t>("int8");
  exchange<std::int16_t>("int16");
  exchange<std::int32_t>("int32");
  exchange<std::int64_t>("int64");
  exchange<std::uint8_t>("uint8");
  exchange<std::uint16_t>("uint16");
  exchange<std::uint32_t>("uint32");
  exchange<std::uint64_t>("uint64");
  exchange<float>("float32");
  exchange<double>("float64");
  exchange<std::complex<float>>("complex64");
  exchange<std::complex<double>>("complex128");
}

TEST_F(NumPy, ExchangesShapesWithoutElements) {
  dump(Array<double>(Shape{}), path("single.npy"));
  dump(Array<double>({0, 3}), path("empty.npy"));
  EXPECT_TRUE(
      python("assert np.load(\"single.npy\").shape == ()\n"
             "assert np.load(\"empty.npy\").shape == (0, 3)\n"
             "np.save(\"theirs.npy\", np.zeros((2, 0)))\n"));
  EXPECT_EQ(load<Array<double>>(path("theirs.npy"), {MmapMode::read}).shape(), (Shape{2, 0}));
}

TEST_F(NumPy, SharesAMappedFile) {
  auto array = create_npy<float>(path("shared.npy"), {2, 3}, Order::fortran);
  array(1, 2) = 4;
  EXPECT_TRUE(
      python("a = np.load(\"shared.npy\", mmap_mode=\"r+\")\n"
             "assert a[1, 2] == 4 and a.flags.f_contiguous\n"
             "a[0, 1] = 5\n"));
  EXPECT_EQ(array(0, 1), 5);
}

TEST_F(NumPy, ReadsOtherVersions) {
  ASSERT_TRUE(
      python("a = np.arange(3.0)\n"
             "for v in (1, 2, 3):\n"
             "  with open(f\"v{v}.npy\", \"wb\") as f:\n"
             "    np.lib.format.write_array(f, a, version=(v, 0))\n"));
  for (const char* name : {"v1.npy", "v2.npy", "v3.npy"}) {
    const auto array = load<Array<double>>(path(name), {MmapMode::read});
    EXPECT_EQ(array(2), 2);
  }
}

TEST_F(NumPy, RefusesOtherTypes) {
  ASSERT_TRUE(
      python("np.save(\"structured.npy\", np.zeros(2, dtype=[(\"x\", float), (\"y\", int)]))\n"
             "np.save(\"object.npy\", np.array([None, {}]), allow_pickle=True)\n"
             "np.save(\"text.npy\", np.array([\"a\"]))\n"
             "np.save(\"half.npy\", np.zeros(2, np.float16))\n"
             "np.save(\"long.npy\", np.zeros(2, np.longdouble))\n"
             "np.save(\"date.npy\", np.zeros(2, \"M8[s]\"))\n"));
  for (const char* name :
       {"structured.npy", "object.npy", "text.npy", "half.npy", "long.npy", "date.npy"}) {
    try {
      load<Array<double>>(path(name));
      ADD_FAILURE() << name;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("its dtype is"), std::string::npos) << error.what();
    }
  }
}

TEST_F(NumPy, OpensRawMemory) {
  auto raw = map_raw<std::int32_t>(path("raw"), {10}, {.offset = 8, .mode = MmapMode::write});
  std::iota(raw.data(), raw.data() + 10, 0);
  EXPECT_TRUE(
      python("a = np.memmap(\"raw\", np.int32, \"r\", offset=8, shape=(10,))\n"
             "assert (a == np.arange(10)).all()\n"));
}

}  // namespace
}  // namespace paracord
