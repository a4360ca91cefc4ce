#pragma once
// Which sep this is.
#include <string_view>

namespace sep {

/// The project's version in CMakeLists.txt: "0.1.0".
std::string_view version();

}  // namespace sep
