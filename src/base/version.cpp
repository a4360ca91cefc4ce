#include "base/version.h"

namespace sep {

std::string_view version() {
  return SEP_VERSION;
}

}  // namespace sep
