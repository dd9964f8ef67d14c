#include "paracord/transport/object_name.h"

#include <gtest/gtest.h>

#include "paracord/tests/transport/planes.h"
#include "paracord/transport/keys.h"

namespace paracord::cluster::test {
namespace {

TEST(ObjectName, StandsForContentAndLength) {
  const Object object(5 * mebibyte), same(5 * mebibyte), other(5 * mebibyte, 2);
  EXPECT_EQ(object.id(), same.id());
  EXPECT_NE(object.id(), other.id());
  EXPECT_EQ(object.table->chunks.size(), 3u);
  const auto shorter = name_object(std::span(*object.content).first(5 * mebibyte - 1));
  EXPECT_NE(shorter->id, object.id());
  const std::vector<std::byte> zero(1), zeros(2);
  EXPECT_NE(name_object(zero)->id, name_object(zeros)->id);
  EXPECT_EQ(name_object({})->id.bytes, 0u);
}

TEST(ObjectName, ShowsATableThatIsNotTheNames) {
  ObjectTable table = *Object(5 * mebibyte).table;
  EXPECT_TRUE(table.is_consistent());
  table.chunks[1][0] ^= 1;
  EXPECT_FALSE(table.is_consistent());
  table.chunks[1][0] ^= 1;
  table.id.bytes -= 1;
  EXPECT_FALSE(table.is_consistent());
}

TEST(Keys, AreMadeAndRecognised) {
  const KeyPair one = make_key_pair(), other = make_key_pair();
  EXPECT_NE(one.public_key, other.public_key);
  EXPECT_TRUE(is_key(one.public_key));
  EXPECT_TRUE(is_key(one.secret_key));
  EXPECT_FALSE(is_key(one.public_key.substr(1)));
  EXPECT_FALSE(is_key(std::string(40, ' ')));
  EXPECT_TRUE(KeyPair().empty());
}

}  // namespace
}  // namespace paracord::cluster::test
