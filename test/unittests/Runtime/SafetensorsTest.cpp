// The header reader: what it takes, and that every kind of broken header is
// refused with a reason.

#include "Safetensors.h"
#include "ParameterFiles.h"

#include <gtest/gtest.h>

using namespace lig::test;
using lig::runtime::SafetensorsHeader;

namespace {

lig_status readFile(SafetensorsHeader &header, const std::string &file) {
  // A block of its own, so that a sanitizer sees a read past the end.
  auto *copy = static_cast<uint8_t *>(malloc(file.size() ? file.size() : 1));
  memcpy(copy, file.data(), file.size());
  lig_status status = header.read(copy, file.size());
  free(copy);
  return status;
}

std::string refusal(const std::string &json, const std::string &data = "") {
  SafetensorsHeader header;
  if (readFile(header, makeFile(json, data)) == LIG_OK)
    return "accepted";
  return lig_last_error();
}

void expectRefused(const std::string &json, const std::string &data,
                   const std::string &reason) {
  EXPECT_NE(refusal(json, data).find(reason), std::string::npos)
      << refusal(json, data) << " for " << json;
}

} // namespace

TEST(Safetensors, ReadsTensorsByName) {
  SafetensorsHeader header;
  std::string json = "{" + metadata("d1") + "," +
                     tensor("z", "F32", "2,1", "0", "8") + "," +
                     tensor("a", "BOOL", "", "8", "9") + "," +
                     tensor("none", "F64", "0,7", "9", "9") + "}";
  ASSERT_EQ(readFile(header, makeFile(json, "123456789")), LIG_OK);
  EXPECT_EQ(header.getCount(), 3u);
  EXPECT_STREQ(header.getDigest(), "d1");
  EXPECT_EQ(header.getDataOffset() % 64, 0u);
  EXPECT_EQ(header.getDataBytes(), 9u);
  const auto *z = header.find("z");
  ASSERT_TRUE(z);
  EXPECT_EQ(z->dtype, LIG_F32);
  ASSERT_EQ(z->rank, 2);
  EXPECT_EQ(z->dims[0], 2);
  EXPECT_EQ(z->end, 8u);
  EXPECT_EQ(header.find("a")->rank, 0);
  EXPECT_FALSE(header.find("b"));
}

TEST(Safetensors, DecodesEscapes) {
  SafetensorsHeader header;
  std::string json =
      "{" + tensor(R"(\u00e9\n\ud83d\ude00\/)", "U8", "1", "0", "1") + "}";
  ASSERT_EQ(readFile(header, makeFile(json, "x")), LIG_OK);
  EXPECT_TRUE(header.find("\xC3\xA9\n\xF0\x9F\x98\x80/"));
}

TEST(Safetensors, AcceptsEmpty) {
  SafetensorsHeader header;
  EXPECT_EQ(readFile(header, makeFile("{}", "")), LIG_OK);
  EXPECT_EQ(header.getCount(), 0u);
  EXPECT_FALSE(header.find("a"));
  EXPECT_FALSE(header.getDigest());
}

TEST(Safetensors, RefusesEveryTruncation) {
  std::string file = makeFile("{" + metadata("0") + "," +
                                  tensor("a", "F32", "2", "0", "8") + "}",
                              "12345678");
  for (size_t size = 0; size < file.size(); ++size) {
    SafetensorsHeader header;
    EXPECT_EQ(readFile(header, file.substr(0, size)), LIG_FILE_BROKEN) << size;
  }
}

TEST(Safetensors, RefusesHugeHeaderLength) {
  std::string file(64, '\xff');
  SafetensorsHeader header;
  EXPECT_EQ(readFile(header, file), LIG_FILE_BROKEN);
}

TEST(Safetensors, RefusesOverlapAndHoles) {
  expectRefused("{" + tensor("a", "U8", "4", "0", "4") + "," +
                    tensor("b", "U8", "4", "2", "6") + "}",
                "123456", "'b' overlaps another");
  expectRefused("{" + tensor("a", "U8", "4", "0", "4") + "," +
                    tensor("b", "U8", "1", "5", "6") + "}",
                "123456", "'b' follows a hole");
  expectRefused("{" + tensor("a", "U8", "4", "0", "4") + "}", "123456",
                "6 bytes of data, the header tells of 4");
}

TEST(Safetensors, RefusesOverflow) {
  expectRefused("{" + tensor("a", "F32", "4611686018427387904,4", "0", "0") +
                    "}",
                "", "shape too large");
  expectRefused("{" + tensor("a", "F32", "0,4611686018427387904,4", "0", "0") +
                    "}",
                "", "shape too large");
  expectRefused("{" + tensor("a", "U8", "9223372036854775808", "0", "0") + "}",
                "", "number too large");
  expectRefused("{" + tensor("a", "U8", "4", "8", "4") + "}", "1234",
                "data_offsets and shape disagree");
  expectRefused("{" + tensor("a", "U8", "4", "-1", "3") + "}", "1234",
                "expected a whole number");
}

TEST(Safetensors, RefusesBrokenJson) {
  expectRefused("", "", "expected '{'");
  expectRefused("[]", "", "expected '{'");
  expectRefused("{}x", "", "text after the end");
  expectRefused("{\"a", "", "string without an end");
  expectRefused("{\"\\x\":", "", "broken escape");
  expectRefused("{\"\\u12", "", "broken escape");
  expectRefused("{\"\\ud800\":", "", "surrogate");
  expectRefused("{\"\\u0000\":", "", "NUL");
  expectRefused("{\"a\nb\":", "", "control character");
  expectRefused("{\"a\":{}}", "", "expected '\"'");
  expectRefused("{\"a\":{\"dtype\":\"F32\"}}", "", "a tensor needs");
  expectRefused("{\"a\":{\"dtype\":\"Q7\"}}", "", "unknown element type");
  expectRefused("{\"a\":{\"shape\":[],\"shape\":[]}}", "", "repeated field");
  expectRefused("{\"a\":{\"shape\":[01]}}", "", "leading zero");
  expectRefused("{\"a\":{\"shape\":[1.5]}}", "", "expected ']'");
  expectRefused("{\"__metadata__\":{\"a\":1}}", "", "expected '\"'");
  expectRefused("{\"__metadata__\":{},\"__metadata__\":{}}", "", "second");
  std::string twice = tensor("a", "U8", "0", "0", "0");
  expectRefused("{" + twice + "," + twice + "}", "", "two tensors 'a'");
  expectRefused("{" + twice + ",}", "", "expected '\"'");
}
