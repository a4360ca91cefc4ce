#include "base/errors.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

namespace sep {
namespace {

TEST(Errors, ListIsThatOfTheSchemaFolder) {
  std::ifstream file(SEP_SOURCE_DIR "/schema/errors.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto document = parse_json(text.str());
  ASSERT_TRUE(document) << document.error().detail;
  std::vector<std::string> codes;
  for (const auto& entry : document->as_object().at("codes").as_array())
    codes.emplace_back(entry.as_object().at("code").as_string());
  EXPECT_EQ(codes, std::vector<std::string>(errc::kAll.begin(), errc::kAll.end()));
}

}  // namespace
}  // namespace sep
