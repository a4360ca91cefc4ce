#pragma once
// Text in ASCII.
#include <string>
#include <string_view>

namespace sep {

/// The letters A to Z in lower case; everything else as it is.
inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace sep
